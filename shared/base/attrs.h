/* base/attrs.h -- the attributes that gcc and clang share and C17 lacks. */
#ifndef BASE_ATTRS_H
#define BASE_ATTRS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define NO_RETURN __attribute__((noreturn))
/* What is seldom needed, kept apart from what the registers of a hot function are for. */
#define NEVER_INLINE __attribute__((noinline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
/* What is a loop in one place, and straight code where its tables are known. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 64")
#endif

#endif
