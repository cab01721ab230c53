/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording of a run: --record FILE.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/record.h"

#define MAGIC "AXVMMREC"

int recording_check(const struct run_options *options)
{
	const char *path = options->record;
	char magic[sizeof(MAGIC) - 1];
	struct stat status;
	size_t got;
	FILE *file;

	if (!path || stat(path, &status) || !S_ISREG(status.st_mode) || !status.st_size)
		return STATUS_OK;
	file = fopen(path, "re");
	if (!file) {
		cli_message("%s: the recording cannot be written: %s", path, strerror(errno));
		return STATUS_HOST;
	}
	got = fread(magic, 1, sizeof(magic), file);
	fclose(file);
	if (got == sizeof(magic) && !memcmp(magic, MAGIC, sizeof(magic)))
		return STATUS_OK;
	return cli_usage("--record %s: there is something else than a recording in this file: "
			 "remove it, or give another name",
			 path);
}

AxRecord *recording_open(const struct run_options *options)
{
	AxRecordConfig config = AX_RECORD_CONFIG_INIT;
	AxError err = AX_ERROR_INIT;
	AxRecord *record;

	config.path = options->record;
	if (!ax_record_create(&config, &record, &err))
		return record;
	cli_failure(NULL, &err);
	return NULL;
}

bool recording_close(AxRecord *record, const struct run_options *options, bool ran)
{
	AxError err = AX_ERROR_INIT;
	bool good;

	if (!record)
		return true;
	good = !ax_record_finish(record, &err);
	if (!good)
		cli_failure(NULL, &err);
	ax_record_free(record);
	if (!ran)
		(void)unlink(options->record);
	return good;
}
