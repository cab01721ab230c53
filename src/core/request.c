/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous requests to a vCPU: kick, stop, pause, new registrations, interrupts, start.
 *
 * The protocol: whoever asks stores what it is about, sets its bit in vcpu->requests, sets
 * immediate_exit and signals the owner. KVM looks at immediate_exit when it is entered and at
 * signals from then on, so that one of them ends KVM_RUN with EINTR whenever the request was made.
 * The owner clears immediate_exit before it reads the word: what is set after the read sets
 * immediate_exit again.
 */
#include <config.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <axvmm/record.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/vcpu.h"
#include "core/vm.h"

/*
 * Signal the owner. A real-time signal is refused when too many wait already, and RLIMIT_SIGPENDING
 * counts those of all the user's processes; the timer's has had its place since ax_vcpu_bind().
 */
static void wake_owner(AxVCpu *vcpu, pid_t tid)
{
	static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

	if (!syscall(SYS_tgkill, getpid(), tid, vcpu->vm->kick_signal) || errno != EAGAIN)
		return;
	atomic_fetch_add(&vcpu->wakers, 1);
	if (atomic_load(&vcpu->owner_tid) == tid)
		timer_settime(vcpu->wake_timer, 0, &at_once, NULL);
	atomic_fetch_sub(&vcpu->wakers, 1);
}

int vcpu_make_wakeable(AxVCpu *vcpu, AxError *err)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = vcpu->vm->kick_signal };

	event._sigev_un._tid = tid; /* glibc 2.36 has no name for it */
	if (timer_create(CLOCK_MONOTONIC, &event, &vcpu->wake_timer)) {
		int os_errno = errno;

		return ax_error_set(
			err, os_errno == EAGAIN ? -ENOSPC : -ENOMEM, AX_ERROR_RESOURCE, os_errno,
			"no room for the signal that wakes vCPU %u: too many signals or "
			"timers of this user wait; \"ulimit -i\" limits them",
			vcpu->id);
	}
	atomic_store(&vcpu->owner_tid, tid);
	return 0;
}

void vcpu_make_unwakeable(AxVCpu *vcpu)
{
	atomic_store(&vcpu->owner_tid, 0);
	/* The timer's number may be another's next. */
	while (atomic_load(&vcpu->wakers))
		sched_yield();
	timer_delete(vcpu->wake_timer);
}

void vcpu_request(AxVCpu *vcpu, uint32_t bits)
{
	pid_t tid;

	atomic_fetch_or(&vcpu->requests, bits);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	tid = atomic_load(&vcpu->owner_tid);
	/* The owner itself is not inside KVM_RUN now. errno must survive a signal handler. */
	if (tid && tid != (pid_t)syscall(SYS_gettid)) {
		int saved = errno;

		wake_owner(vcpu, tid);
		errno = saved;
	}
}

uint32_t vcpu_take_requests(AxVCpu *vcpu, uint32_t bits)
{
	return atomic_fetch_and(&vcpu->requests, ~bits) & bits;
}

int ax_vcpu_kick(AxVCpu *vcpu, unsigned vector)
{
	uint64_t bit = UINT64_C(1) << (vector % 64);

	if (vector > 255)
		return -EINVAL;
	if (atomic_fetch_or(&vcpu->kicks[vector / 64], bit) & bit)
		return 1;
	vcpu_request(vcpu, REQUEST_KICK);
	return 0;
}

bool vcpu_take_kick(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	bool taken = false;

	/* Before the bitmap: a kick that comes after it was read posts the request anew. */
	vcpu_take_requests(vcpu, REQUEST_KICK);
	for (unsigned word = 0; word < 4; word++) {
		uint64_t kicks = atomic_load(&vcpu->kicks[word]);

		if (!kicks)
			continue;
		if (taken) {
			vcpu_request(vcpu, REQUEST_KICK);
			break;
		}
		/* Only the owner clears bits, so this one is still there. */
		atomic_fetch_and(&vcpu->kicks[word], ~(kicks & -kicks));
		exit->kind = AX_EXIT_EXTERNAL_INTERRUPT;
		exit->external_interrupt.vector = word * 64 + (unsigned)__builtin_ctzll(kicks);
		taken = true;
		if (kicks & (kicks - 1)) {
			vcpu_request(vcpu, REQUEST_KICK);
			break;
		}
	}
	return taken;
}

/* CpuUp has been asked for: the data is written under the VM's lock. */
static int apply_start(AxVCpu *vcpu, AxError *err)
{
	uint64_t entry, arg;
	int ret;

	pthread_mutex_lock(&vcpu->vm->lock);
	if (!vcpu_take_requests(vcpu, REQUEST_START)) {
		/* Called off meanwhile. */
		pthread_mutex_unlock(&vcpu->vm->lock);
		return 0;
	}
	entry = vcpu->start_entry;
	arg = vcpu->start_arg;
	atomic_store(&vcpu->powered_off, false);
	vcpu->start_claimed = false;
	pthread_mutex_unlock(&vcpu->vm->lock);
	ret = arch_start(vcpu, entry, arg, err);
	if (ret)
		atomic_store(&vcpu->powered_off, true);
	return ret;
}

int vcpu_serve_requests(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	uint32_t requests;
	int ret;

	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	requests = atomic_load(&vcpu->requests);
	if (requests & REQUEST_EXIT) {
		/* Before the look: an exit that comes after it posts the request anew. */
		vcpu_take_requests(vcpu, REQUEST_EXIT);
		if (arch_next_exit(vcpu, exit)) {
			/* There may be more; and the others, still posted, wait for the next EINTR. */
			vcpu_request(vcpu, REQUEST_EXIT);
			return 1;
		}
	}
	if (requests & REQUEST_START) {
		ret = apply_start(vcpu, err);
		if (ret) {
			/* The others wait for the next entry. */
			vcpu_request(vcpu, 0);
			return ret;
		}
	}
	if (requests & REQUEST_INTERRUPT) {
		vcpu_take_requests(vcpu, REQUEST_INTERRUPT);
		ret = arch_deliver(vcpu, err);
		if (ret) {
			vcpu_request(vcpu, REQUEST_INTERRUPT);
			return ret;
		}
	}
	if ((requests & REQUEST_KICK) && vcpu_take_kick(vcpu, exit))
		return 1;
	return 0;
}

int ax_vcpu_start(AxVCpu *vcpu, AxGuestPhysAddr entry, uint64_t arg, AxError *err)
{
	int ret = arch_check_start(vcpu, entry, err);

	if (ret)
		return ret;
	pthread_mutex_lock(&vcpu->vm->lock);
	if (!atomic_load(&vcpu->powered_off) || (atomic_load(&vcpu->requests) & REQUEST_START)) {
		ret = ax_error_argument(err, -EEXIST, "vCPU %u is on already, or is being started",
					vcpu->id);
	} else {
		vcpu->start_entry = entry;
		vcpu->start_arg = arg;
		vcpu_request(vcpu, REQUEST_START);
	}
	pthread_mutex_unlock(&vcpu->vm->lock);
	return ret;
}

static void tell_record(AxVCpu *vcpu, uint64_t what)
{
	if (vcpu->vm->record)
		ax_record_output(vcpu->vm->record, AX_RECORD_INJECT, vcpu->id, &what, sizeof(what));
}

int ax_vcpu_inject_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	tell_record(vcpu, vector);
	return arch_inject(vcpu, vector, err);
}

int ax_vcpu_clear_interrupt(AxVCpu *vcpu, unsigned vector, AxError *err)
{
	tell_record(vcpu, vector | AX_RECORD_TAKEN_BACK);
	return arch_clear_interrupt(vcpu, vector, err);
}
