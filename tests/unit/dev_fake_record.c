/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings for tests of devices alone: there are none.
 */
#include <axvmm/record.h>

AxRecord *ax_vm_record(const AxVm *vm)
{
	(void)vm;
	return NULL;
}

bool ax_record_is_replay(const AxRecord *record)
{
	(void)record;
	return false;
}

void ax_host_owner(AxHost *host, const char *device)
{
	(void)host;
	(void)device;
}

void ax_record_input(AxRecord *record, uint32_t kind, uint64_t where, void *bytes, size_t len)
{
	(void)record;
	(void)kind;
	(void)where;
	(void)bytes;
	(void)len;
}

void ax_record_output(AxRecord *record, uint32_t kind, uint64_t where, const void *bytes,
		      size_t len)
{
	(void)record;
	(void)kind;
	(void)where;
	(void)bytes;
	(void)len;
}

void ax_record_enter(AxRecord *record, const char *device, uint32_t what, const void *bytes,
		     size_t len)
{
	(void)record;
	(void)device;
	(void)what;
	(void)bytes;
	(void)len;
}

void ax_record_leave(AxRecord *record)
{
	(void)record;
}
