/*
 * check_rules: the lines of a check's report, and the words for each rule.
 */
#ifndef RINGSPOOL_CHECK_RULES_H
#define RINGSPOOL_CHECK_RULES_H

#include "check.h"

/* In the order of the report. */
enum check_rule {
	RULE_HTTPS,
	RULE_NAME,
	RULE_PUBLIC_ADDRESS,
	RULE_CONNECTION,
	RULE_TLS_VERSION,
	RULE_CERTIFICATE,
	RULE_CERTIFICATE_EXPIRY,
	RULE_REDIRECT,
	RULE_STATUS,
	RULE_VALIDATION_TOKEN,
	RULE_CONTENT_TYPE,
	RULE_COMPRESSION,
	RULE_SIZE,
	RULE_TIME,
	RULE_VERIFICATION_TOKEN,
	RULE_WRONG_TOKEN,
	RULES
};

/* All rules, skipped as "not tried". */
void check_begin(struct check_report *report);

/* Gives a rule its outcome and the figure, after printf(3).  The remedy and
 * code come along with CHECK_WARN and CHECK_FAIL. */
void check_judge(struct check_report *report, enum check_rule rule,
	enum check_outcome outcome, const char *measured, ...)
	__attribute__((format(printf, 4, 5)));

#endif
