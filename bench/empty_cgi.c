/*
 * empty_cgi: a CGI program that only reads the body and replies, what a process
 * a request alone costs.
 */
#include <unistd.h>

#include "reply.h"

int main(void)
{
	char body[16384];

	while (read(STDIN_FILENO, body, sizeof body) > 0)
		continue;
	return write(STDOUT_FILENO, REPLY, sizeof REPLY - 1) < 0;
}
