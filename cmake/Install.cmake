# What `make install` puts where.
include(GNUInstallDirs)
install(TARGETS ${SPANMILL_PROGRAMS})
file(GLOB _pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.1)
install(FILES ${_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES tools/completion/spanmill.bash RENAME spanmill
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES tools/completion/_spanmill
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
if(TARGET spanmill-agent)
    configure_file(deploy/systemd/spanmill-agent.service.in
                   ${CMAKE_BINARY_DIR}/generated/spanmill-agent.service @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/generated/spanmill-agent.service
            DESTINATION lib/systemd/system)
endif()
install(FILES README.md LICENSE CHANGELOG.md docs/RESULTS.md docs/GLOSSARY.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
