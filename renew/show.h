/*
 * show: what the subcommands tell, as a table for people or as a member of
 * the one JSON document.  The keys of the documents stay; they are told in
 * ringspool-renew(8).
 */
#ifndef RINGSPOOL_SHOW_H
#define RINGSPOOL_SHOW_H

#include "check.h"
#include "plan.h"
#include "platform.h"
#include "run.h"

void show_list(struct run *run, const struct plan *plan);
void show_record(struct run *run, const struct declared *declared,
	const struct record *record);
void show_grant(struct run *run, const struct grant *grant);
void show_filters(struct run *run);
void show_check(struct run *run, const struct declared *declared,
	const struct check_report *report, unsigned faults);

#endif
