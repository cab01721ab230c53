/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub's life: made, given a VM, taken away from it, freed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/probe.h>

#include "debug/gdb.h"

int ax_gdb_new(AxHost *host, const AxGdbConfig *config, AxGdb **out, AxError *err)
{
	AxGdb *gdb;
	int ret;

	if (!host || !config || config->size < sizeof(*config) || !config->address)
		return ax_error_argument(
			err, -EINVAL, "a stub for gdb needs a host, and an address to listen at");
	if (!gdb_target_find(ax_arch_name()))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "the stub for gdb does not know %s", ax_arch_name());
	gdb = calloc(1, sizeof(*gdb));
	if (!gdb)
		return ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				    "no memory for a stub for gdb");
	gdb->host = host;
	gdb->config = *config;
	gdb->target = gdb_target_find(ax_arch_name());
	gdb->waits = config->wait;
	gdb->fd = -1;
	gdb->listen_fd = -1;
	pthread_mutex_init(&gdb->lock, NULL);
	gdb->timer = ax_timer_new(host, gdb_look, gdb);
	if (!gdb->timer)
		ret = ax_error_set(err, -ENOMEM, AX_ERROR_RESOURCE, 0,
				   "no memory for a stub for gdb");
	else
		ret = gdb_listen(gdb, config->address, err);
	gdb->config.address = NULL;
	if (ret) {
		ax_gdb_free(gdb);
		return ret;
	}
	*out = gdb;
	return 0;
}

const char *ax_gdb_address(const AxGdb *gdb)
{
	return gdb->address;
}

/* Those of the processor outlive a guest's reboot; vCPUs are in state Free now. */
static void set_points(AxGdb *gdb)
{
	AxDebug debug = AX_DEBUG_INIT;

	debug.points = gdb->points.hard;
	debug.count = gdb->points.hard_count;
	for (unsigned i = 0; i < gdb->vcpu_count && debug.count; i++)
		ax_vcpu_debug(gdb->vcpus[i].vcpu, &debug, NULL);
}

int ax_gdb_attach(AxGdb *gdb, AxVm *vm, AxError *err)
{
	AxVCpu *vcpu;
	int ret = 0;

	if (gdb->vm)
		return ax_error_set(err, -EPERM, AX_ERROR_STATE, 0, "the stub has a VM already");
	if (ax_vm_vcpu_at(vm, GDB_VCPUS_MAX))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "gdb's stub knows %d vCPUs, and this VM has more",
				    GDB_VCPUS_MAX);
	/* The same for all VMs of a host. */
	if (!gdb->limits.size) {
		gdb->limits = (AxDebugLimits)AX_DEBUG_LIMITS_INIT;
		ret = ax_debug_limits(vm, &gdb->limits, err);
	}
	if (!ret)
		ret = ax_debug_set(vm, &gdb_debug_ops, gdb, err);
	if (ret)
		return ret;
	memset(gdb->vcpus, 0, sizeof(gdb->vcpus));
	gdb->vcpu_count = 0;
	while (gdb->vcpu_count < GDB_VCPUS_MAX && (vcpu = ax_vm_vcpu_at(vm, gdb->vcpu_count)))
		gdb->vcpus[gdb->vcpu_count++].vcpu = vcpu;
	gdb->vm = vm;
	gdb->told = 0;
	gdb->signal = GDB_TRAP;
	gdb->general = 0;
	gdb->state = GDB_RUNNING;
	set_points(gdb);
	if (gdb->waits || gdb->interrupted)
		gdb_begin_stop(gdb);
	/* What came while there was no VM, or the one before was being held, has waited. */
	gdb_input(gdb);
	return 0;
}

void ax_gdb_detach(AxGdb *gdb)
{
	if (!gdb->vm)
		return;
	gdb_join_waiter(gdb);
	ax_timer_arm(gdb->timer, UINT64_MAX);
	soft_clear(&gdb->points, NULL, false);
	pthread_mutex_lock(&gdb->lock);
	if (gdb->holds)
		ax_vm_resume(gdb->vm, NULL);
	gdb->holds = false;
	gdb->told_loop = false;
	pthread_mutex_unlock(&gdb->lock);
	ax_debug_set(gdb->vm, NULL, NULL, NULL);
	gdb->vm = NULL;
	gdb->vcpu_count = 0;
	gdb->state = GDB_NO_VM;
}

void ax_gdb_exited(AxGdb *gdb, int code)
{
	if (gdb->fd < 0)
		return;
	rsp_begin(&gdb->out);
	rsp_text(&gdb->out, code < 0 ? "X" : "W");
	rsp_hex(&gdb->out, &(uint8_t){ (uint8_t)(code < 0 ? -code : code) }, 1);
	gdb_send(gdb);
	gdb_close(gdb);
}

void ax_gdb_free(AxGdb *gdb)
{
	if (!gdb)
		return;
	gdb_close(gdb);
	gdb_unlisten(gdb);
	ax_timer_free(gdb->timer);
	pthread_mutex_destroy(&gdb->lock);
	free(gdb->path);
	free(gdb->address);
	free(gdb);
}
