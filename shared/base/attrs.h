/* base/attrs.h -- attributes that gcc and clang have and C17 lacks. */
#ifndef BASE_ATTRS_H
#define BASE_ATTRS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define NO_RETURN __attribute__((noreturn))
/* For rarely used code, to keep it out of the registers of a hot function. */
#define NEVER_INLINE __attribute__((noinline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
/* For code that is a loop in one caller, and unrolled where its tables are constant. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 64")
#endif

#endif
