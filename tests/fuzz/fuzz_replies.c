/*
 * The platform's replies, one after another, through a whole run of
 * ringspool-renew: settings, state, plan, calls, report, status.json.  Only
 * the network is not there: http_call() and check_endpoint() are replaced (by
 * the linker's --wrap), and so is the waiting.
 *
 * Whatever the platform says: nothing is deleted that is not ours, no
 * subscription is created again and again, no secret is shown, a 429 is the
 * last call, and what is kept can be read in the next run, by the operator's
 * tool, too.
 *
 * An input is parts, with "\n--\n" between them:
 *
 *	a line of letters, and the state.json of the run before ("" none)
 *		j  --json   n  --dry-run   v  -v   h  our endpoint is healthy
 *		l  list  s  show  u  update  r  renew  d  delete  c  create  t  token
 *	and for each reply: its status, Retry-After and Content-Type in a line,
 *		and the body; status 0 is no reply, 1 one that may have come
 */
#include "ground.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../renew/address.h"
#include "../../renew/check.h"
#include "../../renew/http.h"
#include "../../renew/json.h"
#include "../../renew/platform.h"
#include "../../renew/session.h"
#include "../../renew/state.h"
#include "../../renew/store.h"
#include "../../spool/renewal.h"

#define SERVER "https://platform.example.com"
#define TOKEN_URL SERVER "/restapi/oauth/token"
#define SUBSCRIPTIONS_URL SERVER PLATFORM_SUBSCRIPTIONS
#define ADDRESS_A "https://hooks.example.com/a"
#define QUERY "secret=query"
#define ADDRESS_B "https://hooks.example.com/b?" QUERY
#define JWT "the.jwt"
/* These cannot be part of an id, which is shown as it is. */
#define SECRET "the+client+secret"
#define TOKEN "the+verification+token"

enum {
	PLATFORM_CLOCK = 1800000000,
	CALLS_MOST = 2000,		/* records of an input may all be deleted */
	CREATES_MOST = 4,		/* for one address: a run's attempts */
	IDS_MOST = 512
};

/* The run that is under way. */
static struct {
	const char *letters;
	const char *state;		/* text of the state before it, or "" */
	const uint8_t *replies;
	size_t left;			/* bytes in replies */
	unsigned calls, creates[2];
	bool over;			/* no call may follow */
	char *ours[IDS_MOST];		/* ids that the platform showed with our address */
	size_t ours_count;
} world;

static bool is(char letter)
{
	return strchr(world.letters, letter) != NULL;
}

/* What the platform shows. */

static void note_record(const struct record *record)
{
	if (!record->webhook || world.ours_count == IDS_MOST)
		return;
	if (!address_equal(record->address, ADDRESS_A)
	    && !address_equal(record->address, ADDRESS_B))
		return;
	world.ours[world.ours_count] = strdup(record->id);
	require(world.ours[world.ours_count++] != NULL);
}

static void note_shown(const char *body, size_t size)
{
	struct reason why;
	struct records records;
	struct record record;
	cJSON *json = json_parse(body, size, &why);

	if (json && records_read(&records, json, &why) == 0) {
		for (size_t i = 0; i < records.count; i++)
			note_record(&records.items[i]);
		records_free(&records);
	} else if (json && record_read(&record, json, &why) == 0) {
		note_record(&record);
		record_free(&record);
	}
	cJSON_Delete(json);
}

static bool is_ours(const char *id)
{
	char quoted[160];

	for (size_t i = 0; i < world.ours_count; i++)
		if (strcmp(world.ours[i], id) == 0)
			return true;
	(void)snprintf(quoted, sizeof quoted, "\"%s\"", id);
	return strstr(world.state, quoted) != NULL;
}

/* The call that the program makes. */

/* The id in an address of the API; "" where it is the list's. */
static void read_id(const char *url, char id[129])
{
	size_t length;

	require(strncmp(url, SUBSCRIPTIONS_URL, strlen(SUBSCRIPTIONS_URL)) == 0);
	url += strlen(SUBSCRIPTIONS_URL);
	require(url[0] == '\0' || url[0] == '/');
	url += url[0] == '/';
	length = strcspn(url, "/");
	require(url[length] == '\0' || strcmp(url + length, "/renew") == 0);
	require(length <= 128);
	memcpy(id, url, length);
	id[length] = '\0';
	require(length == 0 || record_id_is_well_formed(id));
}

static void check_create(const struct http_call *call)
{
	int which = strstr(call->body, ADDRESS_B) != NULL;

	require(strstr(call->body, which ? ADDRESS_B : ADDRESS_A) != NULL);
	require(strstr(call->body, TOKEN) != NULL);
	require(!call->repeatable);
	require(++world.creates[which] <= CREATES_MOST);
}

static void check_call(const struct http_call *call)
{
	char id[129];

	require(!world.over && ++world.calls <= CALLS_MOST);
	if (strcmp(call->url, TOKEN_URL) == 0) {
		require(strcmp(call->method, "POST") == 0 && !call->bearer);
		require(strcmp(call->user, "id") == 0 && strcmp(call->password, SECRET) == 0);
		return;
	}
	require(call->bearer && call->bearer[0] && !call->user && !call->password);
	read_id(call->url, id);
	if (strcmp(call->method, "GET") == 0)
		return;
	require(!is('n') && !is('l') && !is('s'));
	if (strcmp(call->method, "DELETE") == 0)
		require(id[0] && (is('d') || is_ours(id)));
	else if (id[0])
		require(strcmp(call->method, "PUT") == 0 || strstr(call->url, "/renew"));
	else
		check_create(call);
}

static int answer(struct http_reply *reply, struct failure *failure)
{
	char *part = ground_cut(&world.replies, &world.left, "\n--\n"), *body;
	size_t length = strcspn(part, "\n");

	body = part + length + (part[length] == '\n');
	part[length] = '\0';
	*reply = (struct http_reply){ .date = PLATFORM_CLOCK, .retry_after = -1 };
	(void)sscanf(part, "%3ld %9ld %79[!-~]", &reply->status, &reply->retry_after,
		reply->content_type);
	if (reply->status < 100) {
		enum failure_kind kind = reply->status == 1 ? FAILURE_UNCERTAIN
			: FAILURE_UNREACHABLE;

		free(part);
		return failure_set(failure, kind, "no reply");
	}
	reply->size = strlen(body);
	reply->body = strdup(body);
	require(reply->body != NULL);
	world.over = reply->status == 429;
	note_shown(reply->body, reply->size);
	free(part);
	return 0;
}

int __wrap_http_call(struct http *http, const struct http_call *call,
	struct http_reply *reply, struct failure *failure);
bool __wrap_http_wait(struct http *http, long seconds);
int __wrap_check_endpoint(const struct check_request *request, struct check_report *report);

int __wrap_http_call(struct http *http, const struct http_call *call,
	struct http_reply *reply, struct failure *failure)
{
	(void)http;
	check_call(call);
	return answer(reply, failure);
}

/* Two attempts more, as a run's ration is. */
bool __wrap_http_wait(struct http *http, long seconds)
{
	(void)http;
	return seconds < 30 && world.creates[0] + world.creates[1] < 3;
}

int __wrap_check_endpoint(const struct check_request *request, struct check_report *report)
{
	static const struct check_line fault = { .rule = "connection", .outcome = CHECK_FAIL,
		.measured = "none", .remedy = "look", .sub_code = "SUB-521" };

	require(strcmp(request->verification_token, TOKEN) == 0);
	*report = (struct check_report){ .count = is('h') ? 0 : 1 };
	report->lines[0] = fault;
	return is('h') ? 0 : 1;
}

/* The run. */

static const struct command *find_command(char *words[1])
{
	static const struct {
		char letter;
		const char *name;
		const char *word;
	} known[] = {
		{ 'l', "list", NULL }, { 's', "show", "a" }, { 'u', "update", "a" },
		{ 'r', "renew", "b" }, { 'd', "delete", "an-id" }, { 'c', "create", NULL },
		{ 't', "token", NULL }
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (is(known[i].letter)) {
			words[0] = (char *)known[i].word;
			return command_find(known[i].name);
		}
	return NULL;
}

/* Fit to be shown to anybody; what was in the state, was so before. */
static void check_text(const char *text, size_t size)
{
	static const char *const secrets[] = { SECRET, TOKEN, QUERY };

	require(ground_is_plain(text, size, "\t")
		|| !ground_is_plain(world.state, strlen(world.state), "\t"));
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
		require(!strstr(text, secrets[i]) || strstr(world.state, secrets[i]));
}

static void check_output(int status)
{
	size_t size;
	const char *text = ground_release(&size);

	check_text(text, size);
	require(status == EX_OK || status == EX_UNAVAILABLE || status == EX_TEMPFAIL
		|| status == EX_PROTOCOL || status == EX_NOPERM || status == EX_CONFIG
		|| status == EX_USAGE);
}

/* What the run left behind is good for the next one. */
static void check_state(int directory, bool told)
{
	struct renewal renewal;
	struct state state;
	struct reason why = { "" };
	size_t size;
	char *text;

	require(state_load(&state, directory, &why) == 0 || why.text[0] == '\0');
	state_free(&state);
	if (!told)
		return;
	text = ground_read(ground_path("state/status.json"), &size);
	check_text(text, size);
	free(text);
	require(renewal_read(&renewal, ground_path("ringspool.conf"), NULL, &why) == 0);
	require(renewal.present && renewal.count == 2 && renewal.declared == 2);
	for (size_t i = 0; i < renewal.count; i++)
		require(renewal.subscriptions[i].name[0] != '\0');
	renewal_free(&renewal);
}

static void run(void)
{
	char *words[1] = { NULL };
	struct session_options options = { .config = ground_path("ringspool.conf"),
		.json = is('j'), .dry_run = is('n'), .verbosity = is('v'),
		.command = find_command(words), .words = words, .word_count = words[0] ? 1 : 0 };
	int directory, status;
	struct reason why;

	ground_capture(true);
	status = session_work(&options);
	check_output(status);
	directory = store_open(ground_path("state"), &why);
	require(directory >= 0);
	check_state(directory, !options.command && !options.dry_run);
	close(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *config;

	(void)argc;
	(void)argv;
	ground_make();
	umask(077);
	ground_directory(ground_path("spool"), 02770);
	ground_directory(ground_path("state"), 0700);
	ground_directory(ground_path("credentials"), 0700);
	ground_write(ground_path("credentials/client_id"), "id", 2, 0600);
	ground_write(ground_path("credentials/client_secret"), SECRET, strlen(SECRET), 0600);
	ground_write(ground_path("credentials/jwt"), JWT, strlen(JWT), 0600);
	ground_write(ground_path("tokens"), TOKEN "\n", strlen(TOKEN) + 1, 0640);
	require(asprintf(&config, "[receiver]\nspool = %s\nverification_tokens = %s\n"
		"[platform]\nserver = " SERVER "\ncredentials = %s\nstate_dir = %s\n"
		"[subscription a]\naddress = " ADDRESS_A "\nfilter = inbound-sms\n"
		"filter = voicemail\nreminder_threshold = 86400\n"
		"[subscription b]\naddress = " ADDRESS_B "\nfilter = inbound-sms\n",
		ground_path("spool"), ground_path("tokens"), ground_path("credentials"),
		ground_path("state")) > 0);
	ground_write(ground_path("ringspool.conf"), config, strlen(config), 0644);
	free(config);
	json_start();
	return curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *before = ground_cut(&data, &size, "\n--\n"), *state = strchr(before, '\n');

	if (state)
		*state++ = '\0';
	memset(&world, 0, sizeof world);
	world.letters = before;
	world.state = state ? state : "";
	world.replies = data;
	world.left = size;
	if (world.state[0])
		ground_write(ground_path("state/state.json"), world.state,
			strlen(world.state), 0600);
	run();
	ground_harvest(ground_path("state"), NULL, NULL);
	for (size_t i = 0; i < world.ours_count; i++)
		free(world.ours[i]);
	free(before);
	return 0;
}
