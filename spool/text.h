/*
 * text: texts from outside, written so that they can do no harm.
 *
 * Names, ids and contents of events come from whoever could reach the
 * receiver.  On a terminal a control character can move the cursor, change
 * the title or answer for the user, a direction mark can show a text in
 * another order than it has, and bytes that are no UTF-8 break the programs
 * that read on.
 */
#ifndef RINGSPOOL_TEXT_H
#define RINGSPOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What text_decode() gives for a byte that begins no character. */
#define TEXT_INVALID UINT32_MAX

/* Reads the first character of a text that is not empty as UTF-8 and returns
 * how many bytes it takes; a byte that begins none is one TEXT_INVALID. */
size_t text_decode(const char *text, size_t size, uint32_t *point);

/* Whether a character acts on what surrounds it instead of being shown:
 * control characters, marks of direction, separators of lines. */
bool text_is_control(uint32_t point);

/* For a column of a table: printable ASCII, the rest as \xHH, so that it is
 * as wide as it is long; what does not fit is cut and ends in "...". */
void text_plain(char *out, size_t size, const char *text);

/* Writes a text: characters as they are; controls and invalid bytes as \xHH.
 * Line ends and tabs stay where `lines` is set. */
void text_write(FILE *out, const char *text, size_t size, bool lines);

/* Writes bytes of a JSON text that stand between its quotation marks, or that
 * are printed JSON without line ends: controls as \uXXXX, which means the
 * same; invalid bytes as U+FFFD. */
void text_write_json(FILE *out, const char *json, size_t size);

/* Writes one character as UTF-8. */
void text_put(FILE *out, uint32_t point);

#endif
