/*
 * html: texts for a page that anybody may come to see.
 */
#ifndef RINGSPOOL_HTML_H
#define RINGSPOOL_HTML_H

#include <stdio.h>

/* Writes a text so that it is nothing but text, in an element or in a quoted
 * attribute. */
void html_text(FILE *out, const char *text);

/* The same for texts that another program or the platform worded: what could
 * be a telephone number, or an id, becomes an ellipsis. */
void html_text_masked(FILE *out, const char *text);

#endif
