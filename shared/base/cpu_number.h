/* base/cpu_number.h -- the largest valid CPU number: Linux has at most 8192 CPUs, and state takes
 * memory for all below the highest. */
#ifndef BASE_CPU_NUMBER_H
#define BASE_CPU_NUMBER_H

enum { CPU_NUMBER_MAX = 8191 };

#endif
