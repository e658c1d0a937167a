/* wire/in_arena.h -- unpacks protobuf-c messages into an arena. */
#ifndef WIRE_IN_ARENA_H
#define WIRE_IN_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

static inline void *in_arena_take(void *arena, size_t size)
{
    return arena_take(arena, size);
}

static inline void in_arena_give_back(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* the arena is freed as a whole */
}

static inline ProtobufCAllocator in_arena(struct arena *arena)
{
    return (ProtobufCAllocator){in_arena_take, in_arena_give_back, arena};
}

#endif
