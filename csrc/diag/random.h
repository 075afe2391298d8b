/* random: numbers by counter.
 *
 * Number i of a key is a hash of both (the output function of splitmix64: Steele, Lea & Flood 2014, OOPSLA), so any
 * thread can have any of them at any time.  Pure functions. */
#ifndef E5_DIAG_RANDOM_H
#define E5_DIAG_RANDOM_H

#include <stdint.h>

static inline uint64_t e5_random(uint64_t key, uint64_t i) {
    uint64_t x = key + (i + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* 0 … n − 1; how often each comes differs by less than n / 2^32. */
static inline uint32_t e5_random_below(uint64_t key, uint64_t i, uint32_t n) {
    return (uint32_t)((e5_random(key, i) >> 32) * n >> 32);
}

#endif
