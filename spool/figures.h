/*
 * figures: lengths of time, sizes and moments in few letters, for people.
 */
#ifndef RINGSPOOL_FIGURES_H
#define RINGSPOOL_FIGURES_H

#include <stdint.h>
#include <time.h>

enum { FIGURE_SIZE = 32 };

/* How long ago `then` is: 0 where it lies in the future, which a clock that
 * was set back makes possible. */
time_t figure_age(time_t now, time_t then);

/* A length of time in one unit, as "41s", "17m", "5h" or "12d"; rounded down,
 * and "-" in front of a negative one. */
void figure_span(char out[FIGURE_SIZE], time_t seconds);

/* "812 B", "9.6 kB", "1.2 GB": powers of 1000. */
void figure_bytes(char out[FIGURE_SIZE], uint64_t bytes);

/* 1234567 as "1,234,567". */
void figure_count(char out[FIGURE_SIZE], uint64_t count);

/* YYYY-MM-DDThh:mm:ssZ. */
void figure_time(char out[FIGURE_SIZE], time_t when);

#endif
