/*
 * process: what each of our programs does first.
 */
#ifndef RINGSPOOL_PROCESS_H
#define RINGSPOOL_PROCESS_H

/* Sets the umask that spools want (SPOOL_UMASK), makes a broken pipe and a
 * file size limit errors instead of death, and opens /dev/null as whichever of
 * the standard descriptors are closed: a file of the spool must not become
 * standard error. */
void process_prepare(void);

#endif
