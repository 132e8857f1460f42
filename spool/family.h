/*
 * family: which kind of event a path such as
 * /restapi/v1.0/account/37439510/extension/400144455008/message-store/instant?type=SMS
 * is: extension/~/message-store/instant?type=SMS.
 *
 * What is no word becomes ~: account, extension and batch ids, telephone
 * numbers, and whatever else could say whom an event is about.  So events are
 * counted in few rows, and a status page names nobody.
 */
#ifndef RINGSPOOL_FAMILY_H
#define RINGSPOOL_FAMILY_H

enum { FAMILY_SIZE = 80 };

/* Writes the family of an envelope's `event`: printable ASCII without blanks.
 * An empty event is of the family "(none)"; a longer one is cut and ends
 * in "...". */
void family_of(char family[FAMILY_SIZE], const char *event);

#endif
