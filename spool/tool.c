#include "tool.h"

#include <stdio.h>

int tool_complain(const char *subcommand, int status, const char *text)
{
	fprintf(stderr, "ringspool %s: %s\n", subcommand, text);
	return status;
}
