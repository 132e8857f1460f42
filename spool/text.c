#include "text.h"

#include <string.h>

enum { REPLACEMENT = 0xFFFD };

/* How many bytes a first byte announces, and the bits that it holds. */
static size_t announced(unsigned char first, uint32_t *bits)
{
	if (first < 0x80) {
		*bits = first;
		return 1;
	}
	if (first >= 0xC2 && first <= 0xDF) {
		*bits = first & 0x1Fu;
		return 2;
	}
	if ((first & 0xF0) == 0xE0) {
		*bits = first & 0x0Fu;
		return 3;
	}
	if (first >= 0xF0 && first <= 0xF4) {
		*bits = first & 0x07u;
		return 4;
	}
	return 0;
}

/* Longer than need be, half a surrogate pair, or beyond Unicode. */
static bool is_ill_formed(uint32_t point, size_t length)
{
	return (length == 3 && point < 0x800) || (length == 4 && point < 0x10000)
		|| (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF;
}

size_t text_decode(const char *text, size_t size, uint32_t *point)
{
	uint32_t bits;
	size_t length = announced((unsigned char)text[0], &bits);

	*point = TEXT_INVALID;
	if (length == 0 || length > size)
		return 1;
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)text[i];

		if ((next & 0xC0) != 0x80)
			return 1;
		bits = bits << 6 | (next & 0x3Fu);
	}
	if (is_ill_formed(bits, length))
		return 1;
	*point = bits;
	return length;
}

bool text_is_control(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} controls[] = {
		{ 0x00, 0x1F }, { 0x7F, 0x9F },
		{ 0x061C, 0x061C }, { 0x200E, 0x200F },	/* marks of direction */
		{ 0x2028, 0x202E }, { 0x2066, 0x2069 },
		{ 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB },	/* byte order, annotations */
		{ 0xE0000, 0xE007F },			/* tags: text that nobody sees */
	};

	for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++)
		if (point >= controls[i].first && point <= controls[i].last)
			return true;
	return false;
}

void text_plain(char *out, size_t size, const char *text)
{
	size_t used = 0, cut = 0;	/* cut: where "..." still fits */

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		bool plain = byte >= 0x20 && byte < 0x7F && byte != '\\';
		char shown[5];
		size_t length = (size_t)snprintf(shown, sizeof shown,
			plain ? "%c" : "\\x%02X", byte);

		if (used + length >= size) {
			memcpy(out + cut, "...", 4);
			return;
		}
		memcpy(out + used, shown, length);
		used += length;
		if (used + 4 <= size)
			cut = used;
	}
	out[used] = '\0';
}

void text_put(FILE *out, uint32_t point)
{
	if (point < 0x80) {
		putc((int)point, out);
	} else if (point < 0x800) {
		putc((int)(0xC0 | point >> 6), out);
		putc((int)(0x80 | (point & 0x3F)), out);
	} else if (point < 0x10000) {
		putc((int)(0xE0 | point >> 12), out);
		putc((int)(0x80 | (point >> 6 & 0x3F)), out);
		putc((int)(0x80 | (point & 0x3F)), out);
	} else {
		putc((int)(0xF0 | point >> 18), out);
		putc((int)(0x80 | (point >> 12 & 0x3F)), out);
		putc((int)(0x80 | (point >> 6 & 0x3F)), out);
		putc((int)(0x80 | (point & 0x3F)), out);
	}
}

void text_write(FILE *out, const char *text, size_t size, bool lines)
{
	for (size_t at = 0; at < size;) {
		uint32_t point;
		size_t length = text_decode(text + at, size - at, &point);
		bool layout = lines && (point == '\n' || point == '\t');

		if ((point == TEXT_INVALID || text_is_control(point)) && !layout)
			for (size_t i = 0; i < length; i++)
				fprintf(out, "\\x%02X", (unsigned)(unsigned char)text[at + i]);
		else
			fwrite(text + at, 1, length, out);
		at += length;
	}
}

void text_write_json(FILE *out, const char *json, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t point;
		size_t length = text_decode(json + at, size - at, &point);

		if (point == TEXT_INVALID)
			text_put(out, REPLACEMENT);
		else if (!text_is_control(point))
			fwrite(json + at, 1, length, out);
		else if (point < 0x10000)
			fprintf(out, "\\u%04x", (unsigned)point);
		else
			fprintf(out, "\\u%04x\\u%04x",
				(unsigned)(0xD800 + ((point - 0x10000) >> 10)),
				(unsigned)(0xDC00 + ((point - 0x10000) & 0x3FF)));
		at += length;
	}
}
