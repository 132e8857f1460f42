#include "check_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof ((struct check_report *)NULL)->lines / sizeof(struct check_line) == RULES,
	"a report has a line for each rule");

struct rule {
	const char *name;
	const char *sub_code;
	char remedy[sizeof ((struct check_line *)NULL)->remedy];	/* none is cut */
};

/* Paths are those of Debian and of the snippets that ringspool ships. */
static const struct rule rules[RULES] = {
	[RULE_HTTPS] = { "https", "SUB-523",
		"declare an https:// address; RingCentral's production refuses any other" },
	[RULE_NAME] = { "name", "SUB-521",
		"give the host of the address an A or AAAA record in public DNS, or correct "
		"the address in ringspool.conf" },
	[RULE_PUBLIC_ADDRESS] = { "public-address", "SUB-521",
		"RingCentral cannot reach such an address; well where only this machine sees "
		"it so (split DNS) or a tunnel leads to it, else give the name a public one" },
	[RULE_CONNECTION] = { "connection", "SUB-521",
		"start the web server and open the port in the firewall; Apache: Listen in "
		"/etc/apache2/ports.conf; lighttpd: $SERVER[\"socket\"] in "
		"lighttpd-conf/ringspool-tls.conf" },
	[RULE_TLS_VERSION] = { "tls-version", "SUB-524",
		"Apache: SSLEngine on, SSLProtocol -all +TLSv1.2 +TLSv1.3 "
		"(apache-conf/ringspool-tls.conf); lighttpd: ssl.engine, "
		"ssl.openssl.ssl-conf-cmd MinProtocol TLSv1.2 "
		"(lighttpd-conf/ringspool-tls.conf)" },
	[RULE_CERTIFICATE] = { "certificate", "SUB-524",
		"Apache: SSLCertificateFile, lighttpd: ssl.pemfile; the file holds a valid "
		"certificate of this host name, then its intermediates (certbot's "
		"fullchain.pem); a private authority needs ca_file here and is none to "
		"RingCentral" },
	[RULE_CERTIFICATE_EXPIRY] = { "certificate-expiry", "SUB-524",
		"renew the certificate (certbot renew) and reload the web server, which keeps "
		"serving the old one until then" },
	[RULE_REDIRECT] = { "redirect", "SUB-525",
		"declare the address that it leads to, or except this one: Apache: Redirect, "
		"RewriteRule; lighttpd: url.redirect" },
	[RULE_STATUS] = { "status", "SUB-525",
		"404: as shipped CGI is at /cgi-bin/ringspool.cgi, FastCGI at /ringspool; 503: "
		"is the responder running?  Else the web server's error log; Apache: "
		"ScriptAlias, ProxyPass, Require all granted; lighttpd: cgi.assign, "
		"fastcgi.server" },
	[RULE_VALIDATION_TOKEN] = { "validation-token", "SUB-520",
		"let ringspool answer at this address, and nothing change its headers; Apache: "
		"no RequestHeader or Header for Validation-Token; lighttpd: no "
		"setenv.set-request-header for it" },
	[RULE_CONTENT_TYPE] = { "content-type", "SUB-525",
		"Apache: no ForceType or Header set Content-Type for this address; lighttpd: "
		"no setenv.set-response-header of it; else ringspool does not answer here" },
	[RULE_COMPRESSION] = { "compression", "SUB-525",
		"Apache: SetEnv no-gzip 1 and SetEnv no-brotli 1 in the Location "
		"(apache-conf/ringspool-tls.conf); lighttpd: deflate.mimetypes = () for this "
		"url" },
	[RULE_SIZE] = { "size", "SUB-525",
		"drop what the site adds to each reply: Apache: Header unset NAME in the "
		"Location, ServerTokens Prod (apache-conf/ringspool-tls.conf); lighttpd: "
		"server.tag, setenv.add-response-header" },
	[RULE_TIME] = { "time", "SUB-521",
		"ringspool needs milliseconds: look for a slow disk below the spool, too few "
		"workers (Apache: MaxRequestWorkers; ringspool.fcgi -t), HostnameLookups, an "
		"overloaded machine" },
	[RULE_VERIFICATION_TOKEN] = { "verification-token", NULL,
		"401: the file verification_tokens of [receiver] lacks this token; 503: run "
		"ringspool.fcgi -T, or ringspool.cgi -T, as the receiver's user and see its "
		"log; else the web server refuses bodies" },
	[RULE_WRONG_TOKEN] = { "wrong-token", NULL,
		"200 by ringspool: set verification_tokens in [receiver] of "
		"/etc/ringspool/ringspool.conf, which the receiver must read: as it is, whoever "
		"knows the address can deliver; else mend what fails above first" },
};

void check_begin(struct check_report *report)
{
	*report = (struct check_report){ .count = RULES };
	for (size_t i = 0; i < RULES; i++) {
		report->lines[i].rule = rules[i].name;
		check_judge(report, (enum check_rule)i, CHECK_SKIPPED, "not tried");
	}
}

void check_judge(struct check_report *report, enum check_rule rule,
	enum check_outcome outcome, const char *measured, ...)
{
	struct check_line *line = &report->lines[rule];
	va_list args;

	line->outcome = outcome;
	va_start(args, measured);
	(void)vsnprintf(line->measured, sizeof line->measured, measured, args);
	va_end(args);
	if (outcome != CHECK_WARN && outcome != CHECK_FAIL)
		return;
	line->sub_code = rules[rule].sub_code;
	memcpy(line->remedy, rules[rule].remedy, sizeof line->remedy);
}
