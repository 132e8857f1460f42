/*
 * reason: why something could not be done, in words for the administrator.
 *
 * A function that can fail for a cause outside the program takes a
 * `struct reason *` and fills it exactly when it fails.  The text says what,
 * where and, if it helps, what to do; it never holds message contents,
 * tokens or credentials.  It travels up to the place that logs it, once.
 */
#ifndef RINGSPOOL_REASON_H
#define RINGSPOOL_REASON_H

struct reason {
	char text[512];
};

/* reason_set(why, format, ...) fills *why after printf(3) and is -1, so that a
 * failing function can end with `return reason_set(why, ...)`.  A longer text is
 * cut.  A macro, for whoever reads a caller by itself, as compilers and
 * analysers do, is to see that it is -1. */
#define reason_set(...) (reason_format(__VA_ARGS__), reason_failed())

void reason_format(struct reason *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline int reason_failed(void)
{
	return -1;
}

#endif
