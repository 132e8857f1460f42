#include "responder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "connections.h"
#include "handler.h"
#include "intake.h"
#include "turns.h"

enum {
	STOP_GRACE_SECONDS = 2,
	OWN_DESCRIPTORS = 32,		/* standard ones, listener, epoll, ... */
	SPOOL_DESCRIPTORS = 12		/* of each spool of a thread, beside its days */
};

/* What a thread serves with. */
struct worker {
	struct responder *responder;
	struct receiver receiver;
};

struct responder {
	const char *program;
	struct listener listener;
	struct connections *connections;
	struct turns turns;		/* at the spools */
	const struct config *config;
	struct worker watcher;		/* the main thread, which serves nothing */
	pthread_mutex_t starting;	/* held until it is known how many threads there are */
	unsigned thread_count;
	pthread_t threads[];
};

static const char too_late[] = "the request did not come in time";

static const char *meta_variable(void *context, const char *name)
{
	FCGX_Request *request = context;

	return FCGX_GetParam(name, request->envp);
}

static ssize_t read_body(void *source, char *buffer, size_t size)
{
	struct connection *connection = source;
	int got = FCGX_GetStr(buffer, size > 1 << 30 ? 1 << 30 : (int)size,
		connection->fcgi.in);

	return got == 0 && connection->intake.cut ? -1 : got;
}

/* So that the last bytes and the end of the connection leave together. */
static void cork(const struct responder *responder, int fd)
{
	int on = 1;

	if (responder->listener.tcp)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

/* Sends the response that is ready, and gives the connection back. */
static void reply(struct worker *worker, struct connection *connection)
{
	struct connections *connections = worker->responder->connections;
	FCGX_Request *fcgi = &connection->fcgi;
	bool keep = fcgi->keepConnection && !intake_has_more(&connection->intake)
		&& !connections_stopping(connections);
	char text[RESPONSE_SIZE];

	FCGX_PutStr(text, (int)response_format(&connection->response, text), fcgi->out);
	if (!keep)
		cork(worker->responder, fcgi->ipcFd);
	/* Closes by itself where the peer left so many replies unread that this
	 * one has no room. */
	FCGX_Finish_r(fcgi);
	if (keep && fcgi->ipcFd >= 0)
		connections_keep(connections, connection);
	else
		connections_end(connections, connection);
}

static void refuse(struct worker *worker, struct connection *connection)
{
	handle_overload(&connection->delivery, &worker->receiver);
	reply(worker, connection);
}

/* Answers a request with the turn that this thread has at the spools. */
static void answer(struct worker *worker, struct connection *connection)
{
	handle_finish(&connection->delivery, &worker->receiver);
	reply(worker, connection);
	receiver_tidy(&worker->receiver);
}

/* Uses a turn for a connection, and then for those that wait. */
static void use_turn(struct worker *worker, struct connection *connection)
{
	struct waiting *next = &connection->waiting;

	while (next) {
		int64_t began = clock_milliseconds();
		bool late = turns_is_late(next);

		if (late)
			refuse(worker, (struct connection *)next);
		else
			answer(worker, (struct connection *)next);
		next = turns_pass(&worker->responder->turns,
			late ? -1 : clock_milliseconds() - began);
	}
}

/* Tells of requests that nobody else will tell of: only the web server saw them. */
static void tell_lost(struct worker *worker, unsigned count, const char *why)
{
	struct log_line line;
	unsigned suppressed = 0;

	if (!log_allowed(&worker->receiver.refusals, &suppressed))
		return;
	log_begin(&line, &worker->receiver.log, LOG_WARNING, "cut-off");
	log_text(&line, "reason", why);
	if (count > 1)
		log_number(&line, "connections", count);
	if (suppressed)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}

static void cut_off(struct worker *worker, struct connection *connection, const char *why)
{
	tell_lost(worker, 1, why);
	connections_end(worker->responder->connections, connection);
}

/* Lets libfcgi read the request that is there; false: it makes no sense. */
static bool begin(struct connection *connection)
{
	FCGX_Request *fcgi = &connection->fcgi;

	/* libfcgi closes the descriptor of a request that it refuses, and of one
	 * without keepConnection; it delivers cut PARAMS as a request. */
	fcgi->keepConnection = 1;
	intake_feed(&connection->intake);
	if (FCGX_Accept_r(fcgi) != 0 || FCGX_GetError(fcgi->in) != 0) {
		FCGX_Free(fcgi, 0);
		return false;
	}
	connection->request = (struct request){ .read = read_body, .source = connection };
	request_from_meta(&connection->request, meta_variable, fcgi);
	return true;
}

/* Answers a whole request, or leaves it to wait for its turn. */
static void handle(struct worker *worker, struct connection *connection)
{
	if (!begin(connection)) {
		cut_off(worker, connection, "libfcgi cannot read the request");
		return;
	}
	if (handle_begin(&connection->delivery, &worker->receiver, &connection->request,
		&connection->response)) {
		reply(worker, connection);
		return;
	}
	intake_spend(&connection->intake);
	switch (turns_take(&worker->responder->turns, &connection->waiting)) {
	case TURN_TAKEN:
		use_turn(worker, connection);
		break;
	case TURN_QUEUED:
		break;
	case TURN_REFUSED:
		refuse(worker, connection);
		break;
	}
}

/* Reads from a connection, and answers the request that this completes. */
static void serve(struct worker *worker, struct connection *connection)
{
	struct connections *connections = worker->responder->connections;

	switch (connections_receive(connections, connection,
		worker->receiver.config.max_body)) {
	case INTAKE_PARTIAL:
		if (connections_is_late(connections, connection))
			cut_off(worker, connection, too_late);
		else
			connections_park(connections, connection);
		break;
	case INTAKE_WHOLE:
		handle(worker, connection);
		break;
	case INTAKE_CLOSED:
		connections_end(connections, connection);
		break;
	case INTAKE_BROKEN:
		cut_off(worker, connection, connection->intake.fault);
		break;
	}
}

/* Refuses what has waited too long for a turn; returns for how long, in
 * milliseconds, nothing more will have. */
static int refuse_late(struct worker *worker)
{
	struct waiting *late;
	int patience;

	while ((late = turns_late(&worker->responder->turns, &patience)) != NULL)
		refuse(worker, (struct connection *)late);
	return patience;
}

static void open_worker(struct worker *worker, struct responder *responder)
{
	worker->responder = responder;
	receiver_open(&worker->receiver, responder->program, responder->config, NULL);
}

static void *work(void *context)
{
	struct responder *responder = context;
	struct connections *connections = responder->connections;
	struct connection *connection;
	struct worker worker;

	pthread_mutex_lock(&responder->starting);
	pthread_mutex_unlock(&responder->starting);
	open_worker(&worker, responder);
	while (!connections_stopping(connections)) {
		connection = connections_wait(connections, refuse_late(&worker));
		if (connection)
			serve(&worker, connection);
	}
	while ((connection = connections_drain(connections)) != NULL)
		serve(&worker, connection);
	receiver_close(&worker.receiver);
	return NULL;
}

/* Descriptors that are left for connections when each thread has its spools
 * open; at least enough for one connection a thread. */
static unsigned room_for_connections(const struct config *config, unsigned threads,
	unsigned most)
{
	unsigned used = OWN_DESCRIPTORS
		+ threads * SPOOLS_MAX * (SPOOL_DESCRIPTORS + config->seen_days);

	return most > used + 2 * threads ? most - used : 2 * threads;
}

/* How many of the threads may be at the spools. */
static unsigned turns_of(unsigned threads)
{
	return threads > 1 ? threads - (threads + 3) / 4 : 1;
}

/* Starts what threads can be started; fewer serve as well.  They wait for one
 * another, since their number tells how many may be at the spools. */
static void start_threads(struct responder *responder, unsigned threads,
	struct reason *why)
{
	int error = 0;

	pthread_mutex_lock(&responder->starting);
	while (responder->thread_count < threads && !error) {
		error = pthread_create(&responder->threads[responder->thread_count], NULL,
			work, responder);
		responder->thread_count += !error;
	}
	turns_init(&responder->turns, turns_of(responder->thread_count));
	pthread_mutex_unlock(&responder->starting);
	if (error)
		reason_set(why, "threads: %s", strerror(error));
}

static void destroy(struct responder *responder)
{
	connections_close(responder->connections);
	receiver_close(&responder->watcher.receiver);
	turns_destroy(&responder->turns);
	pthread_mutex_destroy(&responder->starting);
	free(responder);
}

struct responder *responder_start(const char *program, const struct config *config,
	const struct listener *listener, unsigned threads, unsigned most,
	struct reason *why)
{
	struct responder *responder = calloc(1, sizeof *responder
		+ threads * sizeof responder->threads[0]);

	if (!responder) {
		reason_set(why, "out of memory");
		return NULL;
	}
	responder->program = program;
	responder->listener = *listener;
	responder->config = config;
	responder->connections = connections_open(listener, config->request_timeout,
		room_for_connections(config, threads, most), why);
	if (!responder->connections) {
		free(responder);
		return NULL;
	}
	open_worker(&responder->watcher, responder);
	pthread_mutex_init(&responder->starting, NULL);
	start_threads(responder, threads, why);
	if (responder->thread_count == 0) {
		destroy(responder);
		return NULL;
	}
	return responder;
}

unsigned responder_threads(const struct responder *responder)
{
	return responder->thread_count;
}

void responder_watch(struct responder *responder)
{
	unsigned lost = connections_watch(responder->connections);

	if (lost > 0)
		tell_lost(&responder->watcher, lost, too_late);
}

/* Waits for a thread while the watch goes on, also over those who wait for a
 * turn: the threads that could tell them that it is late may have ended.  False:
 * it is over the deadline, in clock_milliseconds(). */
static bool join(struct responder *responder, pthread_t thread, int64_t deadline)
{
	struct timespec until;

	do {
		/* Not pthread_clockjoin_np, which ThreadSanitizer does not know. */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (pthread_timedjoin_np(thread, NULL, &until) == 0)
			return true;
		responder_watch(responder);
		(void)refuse_late(&responder->watcher);
	} while (clock_milliseconds() <= deadline);
	return false;
}

void responder_stop(struct responder *responder)
{
	int64_t deadline = clock_milliseconds()
		+ (int64_t)(responder->config->request_timeout + STOP_GRACE_SECONDS) * 1000;

	connections_stop(responder->connections);
	for (unsigned i = 0; i < responder->thread_count; i++)
		if (!join(responder, responder->threads[i], deadline))
			return;
	destroy(responder);
}
