#include "html.h"

#include <ctype.h>
#include <string.h>

#include "text.h"

enum { NUMBER_DIGITS_MIN = 7 };

static void put(FILE *out, uint32_t point)
{
	switch (point) {
	case '&':
		fputs("&amp;", out);
		return;
	case '<':
		fputs("&lt;", out);
		return;
	case '>':
		fputs("&gt;", out);
		return;
	case '"':
		fputs("&quot;", out);
		return;
	case '\'':
		fputs("&#39;", out);
		return;
	default:
		text_put(out, point == TEXT_INVALID || text_is_control(point) ? 0xFFFD
			: point);
	}
}

static void put_all(FILE *out, const char *text, size_t size)
{
	while (size > 0) {
		uint32_t point;
		size_t length = text_decode(text, size, &point);

		put(out, point);
		text += length;
		size -= length;
	}
}

void html_text(FILE *out, const char *text)
{
	put_all(out, text, strlen(text));
}

/* The length of a number as people write them, from its first digit to its
 * last: 0 where it is too short to be one that calls somebody. */
static size_t number_length(const char *text)
{
	size_t length = strspn(text, "0123456789 ()+.-"), digits = 0, last = 0;

	for (size_t i = 0; i < length; i++)
		if (isdigit((unsigned char)text[i])) {
			digits++;
			last = i + 1;
		}
	return digits >= NUMBER_DIGITS_MIN ? last : 0;
}

void html_text_masked(FILE *out, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "0123456789+("), number;

		put_all(out, text, plain);
		text += plain;
		number = number_length(text);
		if (number > 0) {
			text_put(out, 0x2026);
			text += number;
		} else if (*text) {
			size_t digits = strspn(text, "0123456789");

			put_all(out, text, digits ? digits : 1);
			text += digits ? digits : 1;
		}
	}
}
