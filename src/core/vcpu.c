/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU's life: creation, set-up, binding to a thread, waiting, destruction. Entering it is
 * run.c's.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/arch.h"
#include "core/coalesce.h"
#include "core/error.h"
#include "core/power.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"

const char *ax_vcpu_state_name(AxVCpuState state)
{
	static const char *const names[] = {
		[AX_VCPU_INVALID] = "Invalid", [AX_VCPU_CREATED] = "Created",
		[AX_VCPU_FREE] = "Free",       [AX_VCPU_READY] = "Ready",
		[AX_VCPU_RUNNING] = "Running", [AX_VCPU_BLOCKED] = "Blocked",
	};

	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

AxVCpuState ax_vcpu_state(const AxVCpu *vcpu)
{
	return vcpu_get_state(vcpu);
}

uint32_t ax_vcpu_id(const AxVCpu *vcpu)
{
	return vcpu->id;
}

AxVm *ax_vcpu_vm(const AxVCpu *vcpu)
{
	return vcpu->vm;
}

void ax_vcpu_exit_counts(const AxVCpu *vcpu, uint64_t counts[AX_EXIT_KINDS])
{
	for (unsigned i = 0; i < AX_EXIT_KINDS; i++)
		counts[i] = __atomic_load_n(&vcpu->counts[i], __ATOMIC_RELAXED);
}

bool vcpu_is_owner(const AxVCpu *vcpu)
{
	return atomic_load(&vcpu->owner_tid) &&
	       pthread_equal(__atomic_load_n(&vcpu->owner, __ATOMIC_RELAXED), pthread_self());
}

static int wrong_state(const AxVCpu *vcpu, const char *call, AxError *err)
{
	return ax_error_state(err, "%s: vCPU %u is %s%s", call, vcpu->id,
			      ax_vcpu_state_name(vcpu_get_state(vcpu)),
			      vcpu_get_state(vcpu) >= AX_VCPU_READY && !vcpu_is_owner(vcpu)
				      ? " and another thread's"
				      : "");
}

/*
 * Room for one more pointer. ax_vm_stop() may be reading, even below us in a signal handler: the
 * table is replaced, and the old one stays until the VM is destroyed.
 */
static int grow(AxVm *vm)
{
	unsigned capacity = vm->vcpu_capacity ? 2 * vm->vcpu_capacity : 4;
	struct vcpu_table *table;

	if (vm->vcpu_count < vm->vcpu_capacity)
		return 0;
	table = malloc(sizeof(*table) + capacity * sizeof(table->vcpus[0]));
	if (!table)
		return -ENOMEM;
	if (vm->vcpu_count)
		memcpy(table->vcpus, vm->vcpus, vm->vcpu_count * sizeof(table->vcpus[0]));
	table->older = vm->vcpu_table;
	vm->vcpu_table = table;
	vm->vcpu_capacity = capacity;
	__atomic_store_n(&vm->vcpus, table->vcpus, __ATOMIC_SEQ_CST);
	return 0;
}

/* The entry comes before the count that says so. */
static int append(AxVm *vm, AxVCpu *vcpu)
{
	AxTrace *trace = atomic_load(&vm->snapshot)->trace;
	int ret = grow(vm);

	if (!ret && trace)
		ret = trace_add_vcpu(trace, vcpu);
	if (ret)
		return ret;
	vm->vcpus[vm->vcpu_count] = vcpu;
	__atomic_store_n(&vm->vcpu_count, vm->vcpu_count + 1, __ATOMIC_SEQ_CST);
	coalesce_found_ring(vm, vm->vcpus[0]);
	return 0;
}

static AxVCpu *alloc_vcpu(AxVm *vm, uint32_t id)
{
	AxVCpu *vcpu;

	if (posix_memalign((void **)&vcpu, 64, sizeof(*vcpu)))
		return NULL;
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = -1;
	vcpu->run_size = vm->run_size;
	vcpu->snapshot = NULL;
	for (unsigned space = 0; space < RANGE_SPACES; space++)
		range_cache_init(&vcpu->cache[space]);
	vcpu_set_state(vcpu, AX_VCPU_CREATED);
	return vcpu;
}

void vcpu_free(AxVCpu *vcpu)
{
	/* Its owner may have left it bound. */
	if (atomic_load(&vcpu->owner_tid))
		vcpu_make_unwakeable(vcpu);
	arch_vcpu_fini(vcpu);
	if (vcpu->run)
		sys_unmap_run(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		sys_close(vcpu->fd);
	for (unsigned space = 0; space < RANGE_SPACES; space++)
		range_cache_fini(&vcpu->cache[space]);
	free(vcpu->old_affinity);
	free(vcpu);
}

static int open_vcpu(AxVCpu *vcpu, AxError *err)
{
	vcpu->fd = sys_ioctl_value(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd == -EEXIST)
		return ax_error_argument(err, -EEXIST, "vCPU id %u is taken", vcpu->id);
	if (vcpu->fd == -EINVAL) {
		int most = sys_check_extension(vcpu->vm->fd, KVM_CAP_MAX_VCPUS);
		int limit = sys_check_extension(vcpu->vm->fd, KVM_CAP_MAX_VCPU_ID);

		if (vcpu->id >= (uint32_t)(limit ? limit : most))
			return ax_error_argument(err, -EINVAL,
						 "vCPU id %u is too large: KVM allows 0 to %d here",
						 vcpu->id, (limit ? limit : most) - 1);

		return ax_error_argument(
			err, -ENOSPC,
			"KVM refuses vCPU id %u as vCPU number %u: it allows %d vCPUs here",
			vcpu->id, vcpu->vm->vcpu_count + 1, most);
	}
	if (vcpu->fd < 0)
		return ax_error_sys(err, vcpu->fd, "KVM_CREATE_VCPU");
	vcpu->run = sys_map_run(vcpu->fd, vcpu->run_size);
	if (!vcpu->run)
		return ax_error_nomem(err, "a vCPU's shared pages");
	return arch_vcpu_init(vcpu, err);
}

int ax_vcpu_create(AxVm *vm, uint32_t id, AxVCpu **out, AxError *err)
{
	AxVCpu *vcpu;
	int ret;

	if (ax_vm_vcpu(vm, id))
		return ax_error_argument(err, -EEXIST, "vCPU id %u is taken", id);
	ret = vm_need_irqchip(vm, err);
	if (ret)
		return ret;
	vcpu = alloc_vcpu(vm, id);
	if (!vcpu)
		return ax_error_nomem(err, "a vCPU");
	ret = open_vcpu(vcpu, err);
	if (!ret) {
		pthread_mutex_lock(&vm->lock);
		ret = append(vm, vcpu);
		pthread_mutex_unlock(&vm->lock);
		if (ret)
			ax_error_nomem(err, "a vCPU");
	}
	if (ret) {
		vcpu_free(vcpu);
		return ret;
	}
	/* After it is in the table: ax_vm_stop() may be called at any moment. */
	if (vm_is_stopped(vm))
		vcpu_request(vcpu, REQUEST_STOP);
	*out = vcpu;
	return 0;
}

/* KVM would finish an access of the earlier life in the midst of the new one's registers. */
static int drop_pending(AxVCpu *vcpu, AxError *err)
{
	AxVCpuExitReason ignored;
	int ret;

	do {
		ret = vcpu_settle(vcpu, &ignored, err);
	} while (ret == 1);
	return ret;
}

int ax_vcpu_setup(AxVCpu *vcpu, const AxVCpuSetup *setup, AxError *err)
{
	AxVCpuState state = vcpu_get_state(vcpu);
	int ret;

	if (state != AX_VCPU_CREATED && state != AX_VCPU_FREE)
		return wrong_state(vcpu, "ax_vcpu_setup", err);
	if (!setup || setup->size < sizeof(*setup))
		return ax_error_argument(err, -EINVAL,
					 "AxVCpuSetup.size is not set: use AX_VCPU_SETUP_INIT");
	if (setup->flags & ~(AX_SETUP_POWERED_OFF | AX_SETUP_NO_CPUID))
		return ax_error_argument(err, -EINVAL, "unknown set-up flags 0x%x", setup->flags);
	ret = drop_pending(vcpu, err);
	if (!ret)
		ret = arch_vcpu_setup(vcpu, setup, err);
	if (ret == -EINVAL)
		return ret;
	vcpu_take_requests(vcpu, REQUEST_START);
	vcpu_drop_claim(vcpu);
	vcpu_set_state(vcpu, ret ? AX_VCPU_INVALID : AX_VCPU_FREE);
	return ret;
}

/* As many CPUs as a kernel can be built for. */
#define MOST_CPUS 8192

static int pin(AxVCpu *vcpu, int host_cpu, AxError *err)
{
	size_t size = CPU_ALLOC_SIZE(MOST_CPUS);
	cpu_set_t *want;
	int ret;

	if (host_cpu < 0 || host_cpu >= MOST_CPUS)
		return ax_error_argument(err, -EINVAL, "host CPU %d does not exist", host_cpu);
	want = CPU_ALLOC(MOST_CPUS);
	vcpu->old_affinity = CPU_ALLOC(MOST_CPUS);
	if (!want || !vcpu->old_affinity) {
		ret = ax_error_nomem(err, "a CPU set");
		goto out;
	}
	CPU_ZERO_S(size, want);
	CPU_SET_S((size_t)host_cpu, size, want);
	if (sched_getaffinity(0, size, vcpu->old_affinity) || sched_setaffinity(0, size, want)) {
		ret = ax_error_argument(
			err, -EINVAL,
			"the thread can't be bound to host CPU %d: %s (see taskset -p)", host_cpu,
			strerror(errno));
		goto out;
	}
	vcpu->old_affinity_size = size;
	vcpu->pinned = true;
	ret = 0;
out:
	if (ret) {
		CPU_FREE(vcpu->old_affinity);
		vcpu->old_affinity = NULL;
	}
	CPU_FREE(want);
	return ret;
}

/* Give the calling thread back what ax_vcpu_bind() found. */
static void let_go(AxVCpu *vcpu)
{
	sigset_t kick;

	if (vcpu->signal_was_blocked) {
		sigemptyset(&kick);
		sigaddset(&kick, vcpu->vm->kick_signal);
		pthread_sigmask(SIG_BLOCK, &kick, NULL);
	}
	if (vcpu->pinned) {
		sched_setaffinity(0, vcpu->old_affinity_size, vcpu->old_affinity);
		CPU_FREE(vcpu->old_affinity);
		vcpu->old_affinity = NULL;
		vcpu->pinned = false;
	}
	vcpu_set_state(vcpu, AX_VCPU_FREE);
}

int ax_vcpu_bind(AxVCpu *vcpu, int host_cpu, AxError *err)
{
	int expected = AX_VCPU_FREE;
	sigset_t kick, old;
	int ret;

	/* Two threads may try at once: one of them gets it. */
	if (!__atomic_compare_exchange_n(&vcpu->state, &expected, AX_VCPU_READY, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return wrong_state(vcpu, "ax_vcpu_bind", err);
	if (ARCH_PREPARES) {
		ret = arch_vm_prepare(vcpu->vm, err);
		if (ret) {
			vcpu_set_state(vcpu, AX_VCPU_FREE);
			return ret;
		}
	}
	if (host_cpu != AX_ANY_CPU) {
		ret = pin(vcpu, host_cpu, err);
		if (ret) {
			vcpu_set_state(vcpu, AX_VCPU_FREE);
			return ret;
		}
	}
	sigemptyset(&kick);
	sigaddset(&kick, vcpu->vm->kick_signal);
	pthread_sigmask(SIG_UNBLOCK, &kick, &old);
	vcpu->signal_was_blocked = sigismember(&old, vcpu->vm->kick_signal);
	__atomic_store_n(&vcpu->owner, pthread_self(), __ATOMIC_RELAXED);
	ret = vcpu_make_wakeable(vcpu, err);
	if (ret)
		let_go(vcpu);
	return ret;
}

int ax_vcpu_unbind(AxVCpu *vcpu, AxError *err)
{
	if (vcpu_get_state(vcpu) != AX_VCPU_READY || !vcpu_is_owner(vcpu))
		return wrong_state(vcpu, "ax_vcpu_unbind", err);
	vcpu_make_unwakeable(vcpu);
	let_go(vcpu);
	return 0;
}

bool vcpu_has_reason_to_run(AxVCpu *vcpu, uint32_t requests)
{
	if (requests &
	    (REQUEST_KICK | REQUEST_STOP | REQUEST_START | REQUEST_EXIT | REQUEST_VERDICT))
		return true;
	return !atomic_load(&vcpu->powered_off) && arch_can_wake(vcpu);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Sleep until `requests` changes, a signal comes or the deadline passes. vcpu_request() both
 * changes the word and signals the owner, so that a request made before the sleep makes FUTEX_WAIT
 * return at once and a later one interrupts it; no futex wake-up is needed, and a kick stays
 * async-signal-safe.
 */
static void sleep_on_requests(AxVCpu *vcpu, uint32_t seen, uint64_t deadline_ns)
{
	struct timespec deadline = { .tv_sec = (time_t)(deadline_ns / 1000000000u),
				     .tv_nsec = (long)(deadline_ns % 1000000000u) };

	syscall(SYS_futex, &vcpu->requests, FUTEX_WAIT_BITSET_PRIVATE, seen,
		deadline_ns == UINT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

int ax_vcpu_wait(AxVCpu *vcpu, uint64_t timeout_ns, AxError *err)
{
	uint64_t deadline = UINT64_MAX;
	uint32_t interrupt = 0;
	int ret = 0;

	if (vcpu_get_state(vcpu) != AX_VCPU_READY || !vcpu_is_owner(vcpu))
		return wrong_state(vcpu, "ax_vcpu_wait", err);
	if (timeout_ns != UINT64_MAX) {
		deadline = now_ns() + timeout_ns;
		if (deadline < timeout_ns)
			deadline = UINT64_MAX;
	}
	vcpu_set_state(vcpu, AX_VCPU_BLOCKED);
	for (;;) {
		uint32_t requests;

		/* So that the next one, which may be deliverable, changes the word again. */
		interrupt |= vcpu_take_requests(vcpu, REQUEST_INTERRUPT);
		requests = atomic_load(&vcpu->requests);
		if (vcpu_has_reason_to_run(vcpu, requests))
			break;
		if (deadline != UINT64_MAX && now_ns() >= deadline) {
			ret = ax_error_set(err, -ETIMEDOUT, AX_ERROR_STATE, 0,
					   "nothing woke vCPU %u within %" PRIu64 " ns", vcpu->id,
					   timeout_ns);
			break;
		}
		sleep_on_requests(vcpu, requests, deadline);
	}
	/* What came is delivered before the guest goes on. */
	if (interrupt || (!ret && arch_can_wake(vcpu)))
		vcpu_request(vcpu, REQUEST_INTERRUPT);
	vcpu_set_state(vcpu, AX_VCPU_READY);
	return ret;
}

int ax_vcpu_power_off(AxVCpu *vcpu, AxError *err)
{
	if (!vcpu_is_owner(vcpu))
		return wrong_state(vcpu, "ax_vcpu_power_off", err);
	atomic_store(&vcpu->powered_off, true);
	/* From a handler: the loop notices at the next entry, which ends at once. */
	vcpu_request(vcpu, 0);
	return 0;
}
