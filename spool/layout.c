#include "layout.h"

#include <string.h>

#include "text.h"

enum { INDENT = 2, LEVELS_SHOWN = 40 };

static const char key_colour[] = "\033[34;1m", string_colour[] = "\033[32m",
	plain_colour[] = "\033[36m", no_colour[] = "\033[0m";

struct layout {
	FILE *out;
	const char *at, *end;
	size_t level;
	bool colours;
};

static void skip_space(struct layout *layout)
{
	while (layout->at < layout->end && strchr(" \t\r\n", *layout->at) && *layout->at)
		layout->at++;
}

static void new_line(const struct layout *layout)
{
	size_t level = layout->level < LEVELS_SHOWN ? layout->level : LEVELS_SHOWN;

	fprintf(layout->out, "\n%*s", (int)(level * INDENT), "");
}

static void put_coloured(const struct layout *layout, const char *colour,
	const char *text, size_t size)
{
	if (layout->colours)
		fputs(colour, layout->out);
	text_write_json(layout->out, text, size);
	if (layout->colours)
		fputs(no_colour, layout->out);
}

/* From a quotation mark to the one that ends the text. */
static void put_string(struct layout *layout)
{
	const char *begin = layout->at++;
	size_t size;

	while (layout->at < layout->end && *layout->at != '"')
		layout->at += *layout->at == '\\' && layout->end - layout->at > 1 ? 2 : 1;
	layout->at += layout->at < layout->end;
	size = (size_t)(layout->at - begin);
	skip_space(layout);
	put_coloured(layout, layout->at < layout->end && *layout->at == ':' ? key_colour
		: string_colour, begin, size);
}

/* A number, true, false or null. */
static void put_word(struct layout *layout)
{
	const char *begin = layout->at;

	do
		layout->at++;
	while (layout->at < layout->end && !strchr(" \t\r\n{}[],:\"", *layout->at));
	put_coloured(layout, plain_colour, begin, (size_t)(layout->at - begin));
}

static void put_opening(struct layout *layout)
{
	char opening = *layout->at++;

	putc(opening, layout->out);
	skip_space(layout);
	if (layout->at < layout->end && *layout->at == (opening == '{' ? '}' : ']')) {
		putc(*layout->at++, layout->out);
		return;
	}
	layout->level++;
	new_line(layout);
}

static void put_closing(struct layout *layout)
{
	layout->level -= layout->level > 0;
	new_line(layout);
	putc(*layout->at++, layout->out);
}

static void put_part(struct layout *layout)
{
	switch (*layout->at) {
	case '{':
	case '[':
		put_opening(layout);
		break;
	case '}':
	case ']':
		put_closing(layout);
		break;
	case ',':
		layout->at++;
		putc(',', layout->out);
		new_line(layout);
		break;
	case ':':
		layout->at++;
		fputs(": ", layout->out);
		break;
	case '"':
		put_string(layout);
		break;
	default:
		put_word(layout);
	}
}

void layout_print(FILE *out, const char *json, size_t size, bool colours)
{
	struct layout layout = { .out = out, .at = json, .end = json + size,
		.colours = colours };

	for (skip_space(&layout); layout.at < layout.end; skip_space(&layout))
		put_part(&layout);
	putc('\n', out);
}
