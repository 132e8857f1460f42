/*
 * ringspool.fcgi: the FastCGI responder: a guardian (see guardian.h), and the
 * process that serves, confined, with a pool of threads.
 *
 * There the main thread takes the signals and watches the time; the others each
 * have a receiver of their own and serve one request after the other.  Only
 * the front end's files know libfcgi.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "config.h"
#include "confine.h"
#include "guardian.h"
#include "intake.h"
#include "listener.h"
#include "options.h"
#include "process.h"
#include "responder.h"
#include "scout.h"
#include "selftest.h"

static const char program[] = PROGRAM;

struct service {
	struct options options;
	struct config config;
	struct listener listener;
	unsigned descriptors;	/* how many may be open */
};

static int fail(int status, const char *why)
{
	fprintf(stderr, "%s: %s\n", program, why);
	return status;
}

static void tell(const struct config *config, int level, const char *what,
	const char *key, const char *value)
{
	struct log log;
	struct log_line line;

	log_open(&log, program, config->log, config->log_level);
	log_begin(&line, &log, level, what);
	if (value)
		log_text(&line, key, value);
	log_end(&line);
}

/* A bad file changes nothing. */
static bool reload(void *context)
{
	struct service *service = context;
	struct config fresh;
	struct reason why;

	if (config_load(&fresh, service->options.config, &why) < 0) {
		tell(&service->config, LOG_ERR, "not-reloaded", "reason", why.text);
		return false;
	}
	/* Where RINGSPOOL_SPOOL is set it may be missing, but not go. */
	if (service->config.file[0] && !fresh.file[0]) {
		tell(&service->config, LOG_ERR, "not-reloaded", "reason",
			CONFIG_DEFAULT_FILE " is gone; make it anew, or start without it");
		return false;
	}
	service->config = fresh;
	return true;
}

static void reloaded(void *context)
{
	const struct service *service = context;

	tell(&service->config, LOG_NOTICE, "reloaded", "file", service->config.file);
}

static void complain(void *context, const char *what, const char *why)
{
	const struct service *service = context;

	tell(&service->config, LOG_ERR, what, "reason", why);
}

/* Until SIGTERM or SIGINT. */
static void watch(struct responder *responder)
{
	const struct timespec second = { .tv_sec = 1 };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	while (sigtimedwait(&signals, NULL, &second) < 0)
		responder_watch(responder);
}

/* Raises the limit of descriptors, which each connection and each thread's
 * spools take, and returns it. */
static unsigned raise_descriptor_limit(void)
{
	const rlim_t wanted = 16384;
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	raised = limit;
	raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (raised.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur < wanted ? (unsigned)limit.rlim_cur : (unsigned)wanted;
}

static void tell_started(const struct config *config, const char *socket,
	unsigned threads)
{
	struct log log;
	struct log_line line;

	log_open(&log, program, config->log, config->log_level);
	log_begin(&line, &log, LOG_NOTICE, "started");
	log_number(&line, "threads", threads);
	if (socket)
		log_text(&line, "socket", socket);
	log_end(&line);
}

/* Before a request is read.  One line tells what this kernel cannot do. */
static void confine_all(const struct config *config)
{
	struct reason files = { "" }, calls = { "" };
	bool confined = confine(config, false, &files) == 0;
	bool restricted = calls_restrict(config->log == LOG_TO_SYSLOG, &calls) == 0;
	struct log log;
	struct log_line line;

	if (confined && restricted)
		return;
	log_open(&log, program, config->log, config->log_level);
	log_begin(&line, &log, LOG_WARNING, "unconfined");
	if (files.text[0])
		log_text(&line, "files", files.text);
	if (calls.text[0])
		log_text(&line, "calls", calls.text);
	log_end(&line);
}

/* In a process of its own, under the guardian. */
static int serve(void *context, int guardian)
{
	const struct service *service = context;
	const struct config *config = &service->config;
	bool confined = CONFINE_POSSIBLE && config->confine;
	struct responder *responder;
	struct reason why;

	/* Our own connections are closed here, without libfcgi's waiting. */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	if (FCGX_Init() != 0)
		return fail(EX_OSERR, "libfcgi cannot be initialised");
	(void)signal(SIGPIPE, SIG_IGN);	/* which FCGX_Init changed, as it did ... */
	(void)signal(SIGTERM, SIG_DFL);	/* ... this */
	if (!intake_works())
		return fail(EX_SOFTWARE, "libfcgi reads from its peers itself, where"
			" nothing limits them; it was linked with -Bsymbolic: use one"
			" that was not");
	guardian_unblock_ends();
	if (confined)
		confine_all(config);	/* hangs where the spool's disk does */
	guardian_block_signals();
	if (confined && scout_start(config, guardian, &why) < 0)
		return fail(EX_OSERR, why.text);
	responder = responder_start(program, config, &service->listener,
		service->options.threads, service->descriptors, &why);
	if (!responder)
		return fail(EX_OSERR, why.text);
	tell_started(config, service->options.socket, responder_threads(responder));
	guardian_ready(guardian);
	watch(responder);
	guardian_leave();
	responder_stop(responder);
	tell(config, LOG_NOTICE, "stopped", NULL, NULL);
	return EX_OK;
}

int main(int argc, char **argv)
{
	struct service service;
	const struct ward ward = { serve, reload, reloaded, complain, &service };
	const struct options *options = &service.options;
	struct reason why;
	int status = options_parse(&service.options, argc, argv);

	if (status >= 0)
		return status;
	process_prepare();
	if (config_load(&service.config, options->config, &why) < 0)
		return fail(EX_CONFIG, why.text);
	if (options->test)
		return selftest(&service.config, stdout) > 0 ? EX_CONFIG : EX_OK;
	/* Before the socket has its name, so that nobody who connects is
	 * forsaken, and before any thread: an interrupted call inside libfcgi
	 * loses requests. */
	guardian_block_signals();
	if (options->socket
	    ? listener_bind(&service.listener, options->socket, options->mode, &why) < 0
	    : listener_inherit(&service.listener, &why) < 0)
		return fail(options->socket ? EX_UNAVAILABLE : EX_USAGE, why.text);
	if (service.listener.tcp && getenv("FCGI_WEB_SERVER_ADDRS"))
		return fail(EX_CONFIG, "FCGI_WEB_SERVER_ADDRS is not supported;"
			" use a Unix socket, or a firewall");
	if (service.listener.exposed)
		tell(&service.config, LOG_WARNING, "exposed", "reason", "whoever can reach"
			" this TCP address can deliver events; use a Unix socket or loopback");
	service.descriptors = raise_descriptor_limit();
	return guardian_run(&ward);
}
