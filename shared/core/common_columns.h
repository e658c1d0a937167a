/* core/common_columns.h -- columns that rows and state share: a tag has one meaning in both. */
#ifndef CORE_COMMON_COLUMNS_H
#define CORE_COMMON_COLUMNS_H

#include "core/columns.h"

extern const struct column_table interrupted_table; /* struct interrupted, with a COLUMN_VECTOR */
extern const struct column_table named_table;       /* struct call_named */
extern const struct column_table older_begin_table; /* struct older_begin_line */
extern const struct column_table instance_wait_table;
extern const struct column_table segments_table;   /* struct segments_line */
extern const struct column_table slice_table;      /* struct cpu_slice */
extern const struct column_table layer_wait_table; /* struct layer_wait */

#endif
