/*
 * The configuration file, as each program reads it, and the file of
 * verification tokens: what is accepted is within the documented bounds, what
 * `-T` prints is what is in force, and what is refused has a reason.
 *
 * An input is the configuration, a line "--", and the tokens.
 */
#include "ground.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../renew/settings.h"
#include "../../spool/renewal.h"
#include "config.h"
#include "tokens.h"

static void check_config(const struct config *config)
{
	require(config->spool[0] == '/');
	require(!config->fallback_spool[0] || config->fallback_spool[0] == '/');
	require(!config->verification_tokens[0] || config->verification_tokens[0] == '/');
	require(config->max_body >= 1 << 10 && config->max_body <= 1 << 30);
	require(config->min_free <= UINT64_C(1) << 40);
	require(config->seen_days >= 1 && config->seen_days <= 30);
	require(config->request_timeout >= 1 && config->request_timeout <= 600);
	require(config->log == LOG_TO_STDERR || config->log == LOG_TO_SYSLOG);
	require(config->log_level >= LOG_ERR && config->log_level <= LOG_DEBUG);
}

/* What config_print() says, as a configuration. */
static void write_printed(const struct config *config, const char *path)
{
	char *printed = NULL, *line, *rest;
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size), *file = fopen(path, "w");

	require(out != NULL && file != NULL);
	config_print(config, out);
	require(fclose(out) == 0);
	(void)fputs("[receiver]\n", file);
	(void)strtok_r(printed, "\n", &rest);		/* which file it is */
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
		char *origin = strstr(line, "  (");

		for (char *next = origin; next; next = strstr(next + 1, "  ("))
			origin = next;
		require(origin != NULL);
		*origin = '\0';
		if (strcmp(line + strcspn(line, " "), " = none") != 0)
			require(fprintf(file, "%s\n", line) > 0);
	}
	require(fclose(file) == 0);
	free(printed);
}

static void check_printed(const struct config *config)
{
	const char *path = ground_path("printed.conf");
	struct config again;
	struct reason why;

	write_printed(config, path);
	require(config_load(&again, path, &why) == 0);
	require(strcmp(config->spool, again.spool) == 0);
	require(strcmp(config->fallback_spool, again.fallback_spool) == 0);
	require(strcmp(config->verification_tokens, again.verification_tokens) == 0);
	require(config->max_body == again.max_body && config->min_free == again.min_free);
	require(config->seen_days == again.seen_days
		&& config->request_timeout == again.request_timeout);
	require(config->log == again.log && config->log_level == again.log_level);
}

static void check_declared(const struct declared *declared)
{
	require(declared->address && declared->address[0]);
	require(declared->filter_count > 0);
	require(declared->expires_in > 0);
	require(declared->renew_before > 0 && declared->renew_before < declared->expires_in);
	require(declared->reminder_threshold == 0
		|| (declared->reminder_interval > 0
			&& declared->reminder_interval <= declared->reminder_threshold / 2));
	for (size_t i = 0; i < declared->filter_count; i++)
		require(declared->filters[i][0] == '/'
			&& !strpbrk(declared->filters[i], " \t\r\n{}"));
}

static void check_settings(const struct settings *settings)
{
	require(settings->server[0] && settings->server[strlen(settings->server) - 1] != '/');
	require(settings->state_dir[0] == '/' && settings->credentials[0] == '/');
	require(settings->timeout > 0);
	for (size_t i = 0; i < settings->count; i++) {
		check_declared(&settings->subscriptions[i]);
		require(settings_find(settings, settings->subscriptions[i].name)
			== &settings->subscriptions[i]);
	}
}

/* The operator's tool looks where the renewal program writes. */
static void check_tool(const char *path, const struct settings *settings)
{
	struct renewal renewal;
	struct reason why;
	char expected[PATH_MAX + sizeof "/status.json"];

	(void)snprintf(expected, sizeof expected, "%s/status.json", settings->state_dir);
	if (strlen(expected) < PATH_MAX) {
		(void)renewal_read(&renewal, path, NULL, &why);
		require(strcmp(renewal.path, expected) == 0);
		require(renewal.declared >= settings->count);
		renewal_free(&renewal);
	}
}

static void check_file(const char *path)
{
	struct config config;
	struct settings settings;
	struct reason why = { "" }, other = { "" };
	int result = config_load(&config, path, &why);

	require(result == 0 || (result == -1 && strncmp(why.text, path, strlen(path)) == 0));
	check_config(&config);
	if (result == 0)
		check_printed(&config);
	if (settings_load(&settings, path, &other) == 0) {
		require(result == 0);
		check_settings(&settings);
		check_tool(path, &settings);
	} else {
		require(other.text[0] != '\0');
	}
	settings_free(&settings);
}

static void check_tokens(const char *path)
{
	struct reason why = { "" }, complaint = { "" };
	struct tokens tokens;
	const char *token;

	if (tokens_read(&tokens, path, &why, &complaint) < 0) {
		require(strncmp(why.text, path, strlen(path)) == 0);
		require(!tokens_match(&tokens, "anything"));
		return;
	}
	require(tokens.count > 0 && !tokens_match(&tokens, NULL) && !tokens_match(&tokens, ""));
	token = tokens.text;
	for (unsigned i = 0; i < tokens.count; i++) {
		require(token_is_well_formed(token) && tokens_match(&tokens, token));
		token += strlen(token) + 1;
	}
	require(token <= tokens.text + tokens.size);
	tokens_free(&tokens);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const variables[] = { "RINGSPOOL_CONFIG", "RINGSPOOL_SPOOL",
		"RC_SERVER_URL", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY" };

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		unsetenv(variables[i]);
	ground_make();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *tokens = memmem(data, size, "\n--\n", 4);
	size_t length = tokens ? (size_t)(tokens - data) + 1 : size;
	const char *file = ground_path("ringspool.conf"), *list = ground_path("tokens");

	ground_write(file, data, length, 0640);
	check_file(file);
	if (tokens) {
		ground_write(list, data + length + 3, size - length - 3, 0640);
		check_tokens(list);
	}
	return 0;
}
