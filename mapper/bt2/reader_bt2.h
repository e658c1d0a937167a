/* mapper/bt2/reader_bt2.h -- the decoder that uses libbabeltrace2, for metadata that our own does
 * not understand, and for comparison. Built with SPANMILL_BABELTRACE2; mappers do not link it. */
#ifndef MAPPER_BT2_READER_BT2_H
#define MAPPER_BT2_READER_BT2_H

#include "mapper/decode/reader_kind.h"

extern const struct reader_kind reader_bt2;

#endif
