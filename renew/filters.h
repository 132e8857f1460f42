/*
 * filters: RingCentral's event filters, by name and by path.
 *
 * A configuration may name a filter or give its path.  Known by name:
 *
 *	SMS		inbound-sms sms-batches sms-batch sms-batch-messages
 *			sms-opt-outs
 *	Messages	messages inbound-messages outbound-messages sms-messages
 *			fax-messages pager-messages voicemail-messages inbound-fax
 *			voicemail message-threads
 *	Contact center	contact-center-number
 *	Telephony	account-telephony-sessions account-inbound-calls
 *			account-outbound-calls account-missed-calls
 *			account-call-recordings account-calls-in-status
 *	Presence	account-presence telephony-sessions inbound-calls
 *			outbound-calls missed-calls call-recordings calls-in-status
 *			dnd-status presence presence-detailed line-presence
 *			monitored-lines favorite-presence call-queue-presence
 *	Team messaging	team-posts team-groups glip-posts glip-groups
 *	Account		directory emergency-address favorites grants
 *			extension-info extensions
 *	RingSense	ringsense-insights
 *	Subscription	renewal-reminder
 *
 * A name without "account-" means the user's own extension where there is a
 * choice.  Names whose path has another placeholder than {accountId} and
 * {extensionId} are listed for their path: it must be given with the value.
 */
#ifndef RINGSPOOL_FILTERS_H
#define RINGSPOOL_FILTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"

struct filter_kind {
	const char *name;
	const char *family;		/* heading of RingCentral's guide */
	const char *description;	/* what it tells of */
	const char *path;		/* placeholders {accountId}, ... in it */
};

/* All of them; those of one family stand together. */
extern const struct filter_kind filter_kinds[];
extern const size_t filter_kind_count;

/* Turns a word of the configuration, a name or a path, into a filter to send:
 * blanks around it go, {accountId} and {extensionId} become ~ ("mine").
 * Returns 0 with *path filled, to be freed by the caller, and *known false
 * for a path that is none of the kinds above (new ones appear: a warning is
 * due, no refusal).  Returns -1 with *why filled for what can be no filter:
 * another placeholder left in, no such name, a blank inside. */
int filter_expand(const char *word, char **path, bool *known, struct reason *why);

/* Whether the declared filters are those that the platform shows.  The order
 * of filters and of query parameters and repeated filters make no difference.
 * A ~ that was declared stands for one id, whichever the platform shows; an id
 * that was declared for itself.  When memory runs out they count as equal, so
 * that nothing is changed for no reason. */
bool filters_equal(char *const *declared, size_t declared_count,
	char *const *present, size_t present_count);

/* How many fewer there are than declared: by number, for one that is written as
 * we do not know may stand for any declared one.  0 when memory runs out. */
size_t filters_left_out(char *const *declared, size_t declared_count,
	char *const *present, size_t present_count);

#endif
