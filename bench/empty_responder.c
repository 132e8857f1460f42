/*
 * empty_responder: a libfcgi responder that only reads the body and replies,
 * what FastCGI alone costs.
 *
 *	empty_responder THREADS <listening socket
 */
#include <err.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>

#include "reply.h"

static void *serve(void *unused)
{
	FCGX_Request request;
	char body[16384];

	FCGX_InitRequest(&request, 0, 0);
	while (FCGX_Accept_r(&request) == 0) {
		while (FCGX_GetStr(body, sizeof body, request.in) > 0)
			continue;
		FCGX_PutStr(REPLY, sizeof REPLY - 1, request.out);
		FCGX_Finish_r(&request);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int threads = argc == 2 ? atoi(argv[1]) : 0;
	pthread_t thread;

	if (threads < 1)
		errx(64, "usage: empty_responder THREADS <listening socket");
	if (FCGX_Init() != 0)
		errx(1, "libfcgi cannot be initialised");
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, serve, NULL) != 0)
			errx(1, "threads");
	serve(NULL);
	return 1;
}
