/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the VM stops for a debugger, and goes on.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "debug/gdb.h"

/* How soon a VM that is held ends when it is asked to. */
#define LOOK_NS 50000000u

static struct gdb_vcpu *find(struct AxGdb *gdb, const AxVCpu *vcpu)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		if (gdb->vcpus[i].vcpu == vcpu)
			return &gdb->vcpus[i];
	}
	return NULL;
}

static void event_in_loop(void *opaque)
{
	struct AxGdb *gdb = opaque;
	bool holds;

	pthread_mutex_lock(&gdb->lock);
	gdb->told_loop = false;
	holds = gdb->holds;
	pthread_mutex_unlock(&gdb->lock);
	if (holds)
		gdb_begin_stop(gdb);
}

/* On the vCPU's thread. False: the loop cannot be told, and the guest goes on. */
static bool note_event(struct AxGdb *gdb, struct gdb_vcpu *vcpu, const AxVCpuExitReason *exit)
{
	bool told;

	pthread_mutex_lock(&gdb->lock);
	vcpu->exit = *exit;
	vcpu->has_event = true;
	if (!gdb->holds)
		ax_vm_hold(gdb->vm);
	gdb->holds = true;
	told = gdb->told_loop || !ax_host_defer(gdb->host, event_in_loop, gdb);
	gdb->told_loop = told;
	if (!told) {
		vcpu->has_event = false;
		gdb->holds = false;
		ax_vm_resume(gdb->vm, NULL);
	}
	pthread_mutex_unlock(&gdb->lock);
	return told;
}

/* Points and actions change only while this thread stands still. */
static bool is_ours(const struct AxGdb *gdb, const struct gdb_vcpu *vcpu, const AxExitDebug *debug)
{
	struct stop_reason reason;

	gdb->target->reason(debug, &reason);
	switch (reason.cause) {
	case CAUSE_INSTRUCTION: return soft_find(&gdb->points, debug->pc) != NULL;
	case CAUSE_EXECUTE:
	case CAUSE_WATCH: return true;
	default: return vcpu->action == ACTION_STEP || hard_stops_at(&gdb->points, debug->pc);
	}
}

static AxHandled on_debug(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	struct AxGdb *gdb = opaque;
	struct gdb_vcpu *ours = find(gdb, vcpu);
	bool is_armed;

	pthread_mutex_lock(&gdb->lock);
	is_armed = gdb->is_armed;
	pthread_mutex_unlock(&gdb->lock);
	if (!is_armed || !ours)
		return AX_UNHANDLED;
	/* The guest's own breakpoint is its own affair. */
	if (!is_ours(gdb, ours, &exit->debug) && !ax_vcpu_give_breakpoint(vcpu, exit, NULL))
		return AX_HANDLED;
	note_event(gdb, ours, exit);
	return AX_HANDLED;
}

/* What a guest dies of; a power-off is none. 0: it does not. */
static uint8_t death(const AxVCpuExitReason *exit)
{
	switch (exit->kind) {
	case AX_EXIT_SYSTEM_DOWN:
		switch (exit->system_down.cause) {
		case AX_DOWN_TRIPLE_FAULT: return GDB_SEGV;
		case AX_DOWN_CRASH:
		case AX_DOWN_CONFIDENTIAL: return GDB_ABRT;
		default: return 0;
		}
	case AX_EXIT_INTERNAL_ERROR:
	case AX_EXIT_FAIL_ENTRY: return GDB_ILL;
	case AX_EXIT_NESTED_PAGE_FAULT:
	case AX_EXIT_MMIO_READ:
	case AX_EXIT_MMIO_WRITE:
	case AX_EXIT_IO_READ:
	case AX_EXIT_IO_WRITE: return GDB_BUS;
	case AX_EXIT_UNSUPPORTED: return GDB_ABRT;
	default: return 0;
	}
}

/* The vCPU stands still when this returns, until gdb lets it go; then the run ends. */
static void on_dying(AxVCpu *vcpu, void *opaque, const AxVCpuExitReason *exit)
{
	struct AxGdb *gdb = opaque;
	struct gdb_vcpu *ours = find(gdb, vcpu);
	bool is_armed;

	pthread_mutex_lock(&gdb->lock);
	is_armed = gdb->is_armed;
	pthread_mutex_unlock(&gdb->lock);
	if (is_armed && ours && death(exit))
		note_event(gdb, ours, exit);
}

const AxDebugOps gdb_debug_ops = { sizeof(gdb_debug_ops), on_debug, on_dying };

/* All vCPUs stand still: the loop's thread goes on from here. */
static void on_held(void *opaque)
{
	struct AxGdb *gdb = opaque;

	if (gdb->waiter_is_stale) {
		gdb->waiter_is_stale = false;
		return;
	}
	pthread_join(gdb->waiter, NULL);
	gdb->has_waiter = false;
	if (gdb->state != GDB_STOPPING)
		return;
	gdb->state = GDB_STOPPED;
	/* Who has just come finds nothing of the peer before, who went while vCPUs were being held. */
	soft_clear(&gdb->points, gdb->vm, !gdb->interrupted);
	if (gdb->interrupted) {
		gdb->points.hard_count = 0;
		gdb->physical = false;
	}
	/* Nobody has come yet, or has gone meanwhile. */
	if (gdb->waits)
		return;
	if (gdb->fd < 0) {
		gdb_release(gdb);
		return;
	}
	gdb_stopped(gdb);
	gdb_input(gdb);
}

/* A vCPU may wait for a device, and so for the loop: somebody else waits for it. */
static void *wait_for_vcpus(void *opaque)
{
	struct AxGdb *gdb = opaque;

	if (gdb->config.waiting)
		gdb->config.waiting(gdb->config.opaque, true);
	if (!ax_vm_pause(gdb->vm, NULL))
		ax_vm_resume(gdb->vm, NULL);
	if (gdb->config.waiting)
		gdb->config.waiting(gdb->config.opaque, false);
	/* Without memory for it nobody would be told: the next second has some. */
	while (ax_host_defer(gdb->host, on_held, gdb))
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	return NULL;
}

static void start_waiter(struct AxGdb *gdb)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* Where there is no thread now, gdb_look() tries again. */
	gdb->has_waiter = !pthread_create(&gdb->waiter, NULL, wait_for_vcpus, gdb);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void gdb_begin_stop(struct AxGdb *gdb)
{
	if (gdb->state != GDB_RUNNING)
		return;
	gdb->state = GDB_STOPPING;
	pthread_mutex_lock(&gdb->lock);
	if (!gdb->holds)
		ax_vm_hold(gdb->vm);
	gdb->holds = true;
	pthread_mutex_unlock(&gdb->lock);
	/* A VM that ends may have let go before the last one was through: see gdb_look(). */
	if (!gdb->has_waiter)
		start_waiter(gdb);
	ax_timer_arm(gdb->timer, ax_host_now(gdb->host) + LOOK_NS);
}

void gdb_join_waiter(struct AxGdb *gdb)
{
	if (!gdb->has_waiter)
		return;
	pthread_join(gdb->waiter, NULL);
	gdb->has_waiter = false;
	gdb->waiter_is_stale = true;
}

/* End the hold, once. */
static void let_go(struct AxGdb *gdb)
{
	pthread_mutex_lock(&gdb->lock);
	if (gdb->holds)
		ax_vm_resume(gdb->vm, NULL);
	gdb->holds = false;
	pthread_mutex_unlock(&gdb->lock);
}

static bool any_frozen(const struct AxGdb *gdb)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		if (gdb->vcpus[i].is_frozen)
			return true;
	}
	return false;
}

static void freeze(struct gdb_vcpu *vcpu, bool frozen)
{
	vcpu->is_frozen = frozen;
	ax_vcpu_hold(vcpu->vcpu, frozen, NULL);
}

static void thaw_all(struct AxGdb *gdb)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++)
		freeze(&gdb->vcpus[i], false);
}

void gdb_look(void *opaque)
{
	struct AxGdb *gdb = opaque;

	if (!gdb->vm)
		return;
	if (ax_vm_is_ending(gdb->vm)) {
		thaw_all(gdb);
		let_go(gdb);
		gdb->state = GDB_RUNNING;
		return;
	}
	if (gdb->state == GDB_STOPPING && !gdb->has_waiter)
		start_waiter(gdb);
	if (gdb->state != GDB_RUNNING || any_frozen(gdb))
		ax_timer_arm(gdb->timer, ax_host_now(gdb->host) + LOOK_NS);
}

/* A watchpoint that the stop may have been for. */
static const AxDebugPoint *watchpoint(const struct AxGdb *gdb, const struct stop_reason *reason)
{
	const struct points *points = &gdb->points;

	if (reason->index >= 0)
		return (unsigned)reason->index < points->hard_count ? &points->hard[reason->index]
								    : NULL;
	for (unsigned i = 0; i < points->hard_count; i++) {
		const AxDebugPoint *point = &points->hard[i];

		/* The address may be that of the access's first byte, up to 63 before the point. */
		if (point->kind != AX_DEBUG_EXECUTE &&
		    reason->address < point->address + point->length &&
		    point->address - reason->address < 64)
			return point;
	}
	return NULL;
}

static void settle_reason(struct AxGdb *gdb, struct gdb_vcpu *vcpu)
{
	gdb->reason = (struct stop_reason){ .cause = CAUSE_OTHER, .index = -1 };
	if (vcpu->exit.kind != AX_EXIT_DEBUG) {
		gdb->signal = death(&vcpu->exit);
		return;
	}
	gdb->signal = GDB_TRAP;
	gdb->target->reason(&vcpu->exit.debug, &gdb->reason);
	if (gdb->reason.cause == CAUSE_OTHER && hard_stops_at(&gdb->points, vcpu->exit.debug.pc))
		gdb->reason.cause = CAUSE_EXECUTE;
}

/* What will come again when the vCPU goes on need not be kept: its instruction has not been executed. */
static void forget_events(struct AxGdb *gdb)
{
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		struct gdb_vcpu *vcpu = &gdb->vcpus[i];
		struct stop_reason reason;

		if (!vcpu->has_event || vcpu->exit.kind != AX_EXIT_DEBUG)
			continue;
		gdb->target->reason(&vcpu->exit.debug, &reason);
		vcpu->has_event = reason.cause == CAUSE_WATCH && gdb->target->watch_is_after;
	}
}

void gdb_stopped(struct AxGdb *gdb)
{
	unsigned first;

	pthread_mutex_lock(&gdb->lock);
	gdb->is_armed = true;
	for (first = 0; first < gdb->vcpu_count && !gdb->vcpus[first].has_event; first++)
		;
	if (first < gdb->vcpu_count) {
		gdb->told = first;
		settle_reason(gdb, &gdb->vcpus[first]);
		gdb->vcpus[first].has_event = false;
		forget_events(gdb);
	} else {
		gdb->signal = gdb->stop_is_due ? GDB_INT : GDB_TRAP;
		gdb->reason = (struct stop_reason){ .cause = CAUSE_OTHER, .index = -1 };
		gdb->vcpus[gdb->told].exit = (AxVCpuExitReason)AX_EXIT_INIT;
	}
	pthread_mutex_unlock(&gdb->lock);
	gdb->general = gdb->told;
	gdb->interrupted = false;
	if (!gdb->stop_is_due)
		return;
	gdb->stop_is_due = false;
	gdb_put_stop(gdb);
	gdb_send(gdb);
}

static void put_watch(struct AxGdb *gdb)
{
	static const char *const names[] = { "", "watch:", "rwatch:", "awatch:" };
	const AxDebugPoint *point = watchpoint(gdb, &gdb->reason);

	if (!point || point->kind > AX_DEBUG_ACCESS)
		return;
	rsp_text(&gdb->out, names[point->kind]);
	rsp_number(&gdb->out, point->address);
	rsp_text(&gdb->out, ";");
}

void gdb_put_stop(struct AxGdb *gdb)
{
	rsp_begin(&gdb->out);
	rsp_text(&gdb->out, "T");
	rsp_hex(&gdb->out, &gdb->signal, 1);
	rsp_text(&gdb->out, "thread:");
	rsp_number(&gdb->out, gdb->told + 1);
	rsp_text(&gdb->out, ";");
	if (gdb->reason.cause == CAUSE_WATCH)
		put_watch(gdb);
	else if (gdb->reason.cause == CAUSE_INSTRUCTION)
		rsp_text(&gdb->out, "swbreak:;");
	else if (gdb->reason.cause == CAUSE_EXECUTE)
		/* One that stands in for a breakpoint instruction is what gdb asked for. */
		rsp_text(&gdb->out, gdb->limits.has_instructions ? "hwbreak:;" : "swbreak:;");
}

static int apply(struct AxGdb *gdb, struct gdb_vcpu *vcpu)
{
	AxDebug debug = AX_DEBUG_INIT;

	debug.points = gdb->points.hard;
	debug.count = gdb->points.hard_count;
	if (gdb->points.soft_count)
		debug.flags |= AX_DEBUG_BREAKPOINTS;
	if (vcpu->action == ACTION_STEP && gdb->limits.can_step)
		debug.flags |= AX_DEBUG_STEP | AX_DEBUG_NO_INTERRUPTS;
	return ax_vcpu_debug(vcpu->vcpu, &debug, NULL);
}

/* Whoever steps by breakpoints does it alone: another vCPU would run into them. */
static int prepare_steps(struct AxGdb *gdb)
{
	if (gdb->limits.can_step)
		return 0;
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		int ret;

		if (gdb->vcpus[i].action != ACTION_STEP)
			continue;
		ret = gdb_step_by_breakpoints(gdb, &gdb->vcpus[i]);
		if (ret)
			return ret;
		for (unsigned other = 0; other < gdb->vcpu_count; other++) {
			if (other != i)
				gdb->vcpus[other].action = ACTION_NONE;
		}
		break;
	}
	return 0;
}

static bool has_news(struct AxGdb *gdb)
{
	bool news = false;

	pthread_mutex_lock(&gdb->lock);
	for (unsigned i = 0; i < gdb->vcpu_count; i++)
		news = news || (gdb->vcpus[i].has_event && gdb->vcpus[i].action != ACTION_NONE);
	pthread_mutex_unlock(&gdb->lock);
	return news;
}

int gdb_resume(struct AxGdb *gdb)
{
	int ret;

	gdb->stop_is_due = true;
	if (has_news(gdb)) {
		gdb_stopped(gdb);
		return 0;
	}
	ret = prepare_steps(gdb);
	for (unsigned i = 0; !ret && i < gdb->vcpu_count; i++)
		ret = apply(gdb, &gdb->vcpus[i]);
	if (ret) {
		soft_clear(&gdb->points, gdb->vm, true);
		gdb->stop_is_due = false;
		return ret;
	}
	for (unsigned i = 0; i < gdb->vcpu_count; i++) {
		struct gdb_vcpu *vcpu = &gdb->vcpus[i];

		ax_vcpu_exit_counts(vcpu->vcpu, vcpu->counts);
		freeze(vcpu, vcpu->action == ACTION_NONE);
	}
	ax_timer_arm(gdb->timer, any_frozen(gdb) ? ax_host_now(gdb->host) + LOOK_NS : UINT64_MAX);
	gdb->state = GDB_RUNNING;
	let_go(gdb);
	return 0;
}

void gdb_release(struct AxGdb *gdb)
{
	AxDebug nothing = AX_DEBUG_INIT;
	bool is_armed;

	pthread_mutex_lock(&gdb->lock);
	is_armed = gdb->is_armed;
	pthread_mutex_unlock(&gdb->lock);
	gdb->stop_is_due = false;
	gdb->interrupted = false;
	if (gdb->state == GDB_STOPPING || (gdb->state == GDB_RUNNING && !is_armed))
		return;
	if (gdb->state == GDB_RUNNING) {
		/* Comes back here once it is at rest. */
		gdb_begin_stop(gdb);
		return;
	}
	gdb->points.hard_count = 0;
	gdb->physical = false;
	if (gdb->state == GDB_STOPPED) {
		soft_clear(&gdb->points, gdb->vm, false);
		for (unsigned i = 0; i < gdb->vcpu_count; i++) {
			gdb->vcpus[i].has_event = false;
			gdb->vcpus[i].action = ACTION_NONE;
			ax_vcpu_debug(gdb->vcpus[i].vcpu, &nothing, NULL);
		}
		thaw_all(gdb);
		ax_timer_arm(gdb->timer, UINT64_MAX);
	}
	pthread_mutex_lock(&gdb->lock);
	gdb->is_armed = false;
	pthread_mutex_unlock(&gdb->lock);
	if (gdb->state == GDB_STOPPED) {
		gdb->state = GDB_RUNNING;
		let_go(gdb);
	}
}
