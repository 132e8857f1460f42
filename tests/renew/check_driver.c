/* Runs the check alone: ADDRESS TOKEN CA_FILE [text]. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "../../renew/check.h"
#include "../../renew/check_print.h"

int main(int argc, char **argv)
{
	struct check_report report;
	unsigned failures;

	if (argc < 4)
		return EX_USAGE;
	failures = check_endpoint(&(struct check_request){ .address = argv[1],
		.verification_token = argv[2][0] ? argv[2] : NULL, .ca_file = argv[3] }, &report);
	if (argc > 4) {
		check_print(&report, stdout);
	} else {
		cJSON *lines = check_to_json(&report);
		char *text = cJSON_Print(lines);

		puts(text);
		free(text);
		cJSON_Delete(lines);
	}
	curl_global_cleanup();
	return failures ? EX_UNAVAILABLE : EX_OK;
}
