#include "session.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "credentials.h"
#include "digest.h"
#include "reconcile.h"
#include "status.h"
#include "store.h"
#include "times.h"
#include "tokens.h"

#define LOCK_TOLD "lock.told"

enum {
	DAY_SECONDS = 86400,
	LOCK_SECONDS = 30,		/* that a command by hand waits for another run */
	LOCK_PATIENCE = 3600,		/* seconds that a run may take before cron tells */
	WAIT_MOST = 86400		/* longest Retry-After that is believed */
};

/* Everything that a run holds; closed in one place. */
struct session {
	const struct session_options *options;
	struct settings settings;
	struct credentials credentials;
	struct tokens tokens;		/* verification tokens */
	struct masking masking;
	struct state state;
	struct reminders reminders;
	struct report report;
	struct run run;
	int store, lock;
	bool has_settings, has_state;
};

static int fail(struct session *session, enum failure_kind kind, const char *text)
{
	struct failure failure;

	failure_set(&failure, kind, "%s", text);
	report_failure(&session->report, NULL, &failure);
	return -1;
}

/* Whether cron is to tell of a lock that is held: not unless it is held for too
 * long, and then once a day.  The state is the holder's, so a mark tells. */
static bool is_lock_due(const struct session *session, long age)
{
	time_t since, now = session->report.now;

	if (!session->report.cron)
		return true;
	if (age < LOCK_PATIENCE || (store_marked(session->store, LOCK_TOLD, &since)
		&& since <= now && now - since < DAY_SECONDS))
		return false;
	store_mark(session->store, LOCK_TOLD);
	return true;
}

/* Another run is at work. */
static int fail_locked(struct session *session, long age)
{
	struct failure failure;
	char span[TIME_TEXT];

	time_format_span(age, span);
	failure_set(&failure, FAILURE_LATER, "another run has been at work for %s", span);
	if (is_lock_due(session, age)) {
		report_failure(&session->report, NULL, &failure);
	} else {
		session->report.failed = true;
		session->report.first = failure;
	}
	return -1;
}

/* What was told of the lock has ended: it was just taken. */
static void note_lock_ended(struct session *session)
{
	time_t since;

	if (session->options->command
	    || !store_marked(session->store, LOCK_TOLD, &since))
		return;
	store_unmark(session->store, LOCK_TOLD);
	report_recall(&session->report, "run lock", since);
}

/* Subscriptions of another configuration would be taken for our own, moved, and
 * deleted.  Its state is left as it is, and what we were told not kept in it. */
static int fail_owned(struct session *session)
{
	const char *directory = session->settings.state_dir;
	struct failure failure;

	failure_set(&failure, FAILURE_CONFIG, "state_dir %.200s belongs to %.200s; give"
		" [platform] a state_dir of its own, or remove %.200s/state.json", directory,
		session->state.owner, directory);
	session->has_state = false;
	session->report.state = NULL;
	report_failure(&session->report, NULL, &failure);
	return -1;
}

/* Makes the state this configuration's, or fails where it is another's. */
static int own_state(struct session *session)
{
	char path[PATH_MAX];

	if (!realpath(session->settings.receiver.file, path))
		return 0;	/* without a file: its defaults are everybody's */
	if (state_is_of_another(&session->state, path))
		return fail_owned(session);
	if (known_set_text(&session->state.owner, path) < 0)
		return fail(session, FAILURE_SYSTEM, "out of memory");
	return 0;
}

/* How to run as the owner of the state directory; "" where that is no help. */
static void advise_owner(const struct session *session, char *out, size_t size)
{
	const struct passwd *user;
	const struct group *group;
	struct stat status;

	out[0] = '\0';
	if (geteuid() == 0 || fstat(session->store, &status) < 0 || status.st_uid == geteuid())
		return;
	user = getpwuid(status.st_uid);
	group = getgrgid(status.st_gid);
	if (user && group)
		(void)snprintf(out, size, "; it is %s's: run it as root, or by setpriv --reuid %s"
			" --regid %s --init-groups ringspool-renew", user->pw_name,
			user->pw_name, group->gr_name);
}

static int fail_state(struct session *session, const char *text)
{
	char advice[300];
	struct failure failure;

	advise_owner(session, advice, sizeof advice);
	failure_set(&failure, FAILURE_CONFIG, "state directory %.200s: %s%s",
		session->settings.state_dir, text, advice);
	report_failure(&session->report, NULL, &failure);
	return -1;
}

static int open_state(struct session *session)
{
	struct reason why;
	long age = 0;

	session->store = store_open(session->settings.state_dir, &why);
	if (session->store < 0)
		return fail(session, FAILURE_CONFIG, why.text);
	session->lock = store_lock(session->store,
		session->options->command ? LOCK_SECONDS : 0, &age, &why);
	if (session->lock == -2)
		return fail_locked(session, age);
	if (session->lock < 0 || state_load(&session->state, session->store, &why) < 0)
		return fail_state(session, why.text);
	session->has_state = true;
	session->report.state = &session->state;
	if (session->has_settings && own_state(session) < 0)
		return -1;
	note_lock_ended(session);
	if (why.text[0])
		report_warning(&session->report, NULL, false, "%s", why.text);
	return 0;
}

static int open_settings(struct session *session)
{
	struct reason why;
	bool good = settings_load(&session->settings, session->options->config, &why) == 0;

	session->has_settings = good;
	if (good)
		return 0;
	/* The state knows whether cron was told already.  It is where the file
	 * says, as far as that was read: so nothing is made there. */
	if (!session->options->command && access(session->settings.state_dir, W_OK) == 0
	    && open_state(session) < 0)
		session->report.state = NULL;
	return fail(session, FAILURE_CONFIG, why.text);
}

/* The queries of addresses are secrets as well: error messages quote them. */
static int mask_addresses(struct session *session)
{
	for (size_t i = 0; i < session->settings.count; i++) {
		if (address_add_secrets(session->settings.subscriptions[i].address,
		    &session->masking) < 0)
			return fail(session, FAILURE_SYSTEM, "out of memory");
	}
	return 0;
}

/* The verification tokens are the receiver's; the first is the one in use. */
static int open_tokens(struct session *session)
{
	const char *path = session->settings.receiver.verification_tokens;
	struct reason why, complaint;
	const char *token;

	if (mask_addresses(session) < 0)
		return -1;
	if (!path[0])
		return 0;
	if (tokens_read(&session->tokens, path, &why, &complaint) < 0)
		return fail(session, FAILURE_CONFIG, why.text);
	if (complaint.text[0])
		report_warning(&session->report, NULL, false, "%s", complaint.text);
	session->run.token = token = session->tokens.text;
	for (unsigned i = 0; i < session->tokens.count; i++) {
		if (masking_add(&session->masking, token) < 0)
			return fail(session, FAILURE_SYSTEM, "out of memory");
		token += strlen(token) + 1;
	}
	return 0;
}

static int open_credentials(struct session *session)
{
	struct credentials *credentials = &session->credentials;
	struct reason why;

	if (credentials_load(credentials, session->settings.credentials, &why) < 0)
		return fail(session, FAILURE_CREDENTIALS, why.text);
	if (credentials_add_secrets(credentials, &session->masking) < 0)
		return fail(session, FAILURE_SYSTEM, "out of memory");
	if (session->options->verbosity > 1)
		report_detail(&session->report, "client id: %s; client secret: %s; JWT: %s",
			credentials->source[0], credentials->source[1], credentials->source[2]);
	return 0;
}

/* Whether the platform asked to wait: a call within that time prolongs it. */
static int obey_wait(struct session *session)
{
	time_t now = time(NULL), until = session->state.retry_until;
	char when[TIME_TEXT], text[200];

	if (until <= now || until - now > WAIT_MOST) {
		session->state.retry_until = 0;
		return 0;
	}
	time_format(until, when);
	(void)snprintf(text, sizeof text, "the platform asked to wait until %s;"
		" no call is made before", when);
	return fail(session, FAILURE_LATER, text);
}

static int open_platform(struct session *session)
{
	struct platform_options options = {
		.settings = &session->settings, .credentials = &session->credentials,
		.store = session->store, .key = session->state.key,
		.masking = &session->masking,
		.trace = session->options->verbosity > 1 ? stderr : NULL
	};
	struct failure failure;
	struct reason why;

	if (session->run.token)
		digest_keyed(session->state.key, session->run.token, session->run.token_digest);
	if (reminders_read(&session->reminders, session->settings.receiver.spool, &why) < 0)
		report_warning(&session->report, NULL, false, "%s", why.text);
	session->run.failed = calloc(session->settings.count + 1, sizeof *session->run.failed);
	session->run.platform = session->run.failed ? platform_open(&options, &failure) : NULL;
	if (!session->run.failed)
		return fail(session, FAILURE_SYSTEM, "out of memory");
	if (!session->run.platform)
		return fail(session, failure.kind, failure.text);
	return 0;
}

/* Gets ready what the command needs; failures are reported. */
static int open_session(struct session *session)
{
	const struct command *command = session->options->command;
	enum command_needs needs = command ? command->needs : NEEDS_PLATFORM;

	if (needs == NEEDS_NOTHING)
		return 0;
	if (open_settings(session) < 0)
		return -1;
	if (needs == NEEDS_PLATFORM
	    && (open_state(session) < 0 || obey_wait(session) < 0))
		return -1;
	if (open_tokens(session) < 0)
		return -1;
	if (needs == NEEDS_PLATFORM
	    && (open_credentials(session) < 0 || open_platform(session) < 0))
		return -1;
	return 0;
}

static int exit_status(const struct session *session)
{
	return session->report.failed ? failure_exit_status(session->report.first.kind) : EX_OK;
}

/* status.json tells of the runs without a command. */
static void write_status(struct session *session)
{
	static const struct settings none;
	struct failure failure = session->report.first;
	struct status_input input = {
		.settings = session->has_settings ? &session->settings : &none,
		.state = &session->state, .masking = &session->masking,
		.exit_status = exit_status(session),
		.failure = session->report.failed ? &failure : NULL,
		.now = session->report.now
	};
	struct reason why;

	masking_text(&session->masking, session->report.first.text, failure.text,
		sizeof failure.text);
	if (status_write(session->store, &input, &why) < 0)
		(void)fail(session, FAILURE_CONFIG, why.text);
}

static void keep_state(struct session *session)
{
	struct reason why;

	if (!session->has_state)
		return;
	if (state_save(&session->state, session->store, &why) < 0)
		(void)fail(session, FAILURE_CONFIG, why.text);
	if (!session->options->command && !session->options->dry_run)
		write_status(session);
}

static void print_document(struct session *session)
{
	cJSON *document = session->run.document;
	char *text;

	(void)cJSON_AddBoolToObject(document, "dry_run", session->options->dry_run);
	(void)cJSON_AddItemToObject(document, "changes", session->report.changes);
	(void)cJSON_AddItemToObject(document, "problems", session->report.problems);
	(void)cJSON_AddNumberToObject(document, "exit_status", exit_status(session));
	session->report.changes = session->report.problems = NULL;
	text = cJSON_Print(document);
	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(document);
}

static int close_session(struct session *session)
{
	int status;

	keep_state(session);
	if (session->run.document)
		print_document(session);
	status = exit_status(session);
	platform_close(session->run.platform);
	records_free(&session->run.present);
	free(session->run.failed);
	reminders_free(&session->reminders);
	report_close(&session->report);
	state_free(&session->state);
	if (session->lock >= 0)
		close(session->lock);
	if (session->store >= 0)
		close(session->store);
	masking_free(&session->masking);
	tokens_free(&session->tokens);
	credentials_free(&session->credentials);
	settings_free(&session->settings);
	if (fflush(stdout) != 0 || ferror(stdout))
		return EX_IOERR;
	return status;
}

int session_refuse(const struct session_options *options, const char *text)
{
	struct session session = { .options = options };

	report_open(&session.report, &session.masking, options->verbosity, options->json);
	(void)fail(&session, FAILURE_USAGE, text);
	if (options->json) {
		session.run.document = cJSON_CreateObject();
		print_document(&session);
	}
	report_close(&session.report);
	return exit_status(&session);
}

int session_work(const struct session_options *options)
{
	struct session session = { 0 };
	const struct command *command = options->command;
	int verbosity = options->verbosity;

	session.options = options;
	session.store = session.lock = session.reminders.directory = -1;
	if (command && !options->json)
		verbosity++;	/* by hand one wants to see what was done */
	report_open(&session.report, &session.masking, verbosity, options->json);
	session.report.cron = !command && report_is_for_cron();
	session.run = (struct run){ .settings = &session.settings, .state = &session.state,
		.report = &session.report, .reminders = &session.reminders,
		.document = options->json ? cJSON_CreateObject() : NULL,
		.dry_run = options->dry_run };
	if (open_session(&session) == 0) {
		session.run.store = session.store;
		if (command)
			command->execute(&session.run, options->word_count, options->words);
		else
			reconcile(&session.run);
	}
	return close_session(&session);
}
