/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM's life, and what concerns all of its vCPUs: stop, pause, resume. Running them is
 * vm_run.c's.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <axvmm/axvmm.h>

#include "arch/arch.h"
#include "core/coalesce.h"
#include "core/error.h"
#include "core/pager.h"
#include "core/record.h"
#include "core/vm.h"
#include "sys/offline.h"
#include "sys/sys.h"

/* Not SIGRTMIN itself: debuggers and threading libraries like the first ones. */
#define DEFAULT_KICK_SIGNAL (SIGRTMIN + 3)

const char *ax_version(void)
{
	return PACKAGE_VERSION;
}

void vm_log(AxVm *vm, AxLogLevel level, const char *format, ...)
{
	char line[256];
	va_list args;

	if (!vm->log)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	vm->log(vm->log_opaque, level, line);
}

/*
 * Any handler does: it only has to be there, so that the signal interrupts KVM_RUN instead of
 * ending the process.
 */
static void on_kick(int signal)
{
	(void)signal;
}

static int install_kick_handler(int signal, AxError *err)
{
	struct sigaction old, action = { .sa_handler = on_kick };

	int ret = sigaction(signal, NULL, &old);

	/* SIGKILL and SIGSTOP can be asked about, but take no handler. */
	if (!ret && !(old.sa_flags & SA_SIGINFO) &&
	    (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN)) {
		sigemptyset(&action.sa_mask);
		ret = sigaction(signal, &action, NULL);
	}
	return ret ? ax_error_argument(err, -EINVAL, "%d can't be the kick signal: %s", signal,
				       strerror(errno))
		   : 0;
}

/* What helps depends on whom the device admits. */
static int no_permission(const char *path, int os_errno, AxError *err)
{
	struct stat device;
	bool admits_group =
		!stat(path, &device) && (device.st_mode & 0060) == 0060 && device.st_gid;

	if (admits_group)
		return ax_error_set(err, -EACCES, AX_ERROR_KVM_PERMISSION, os_errno,
				    "%s: no permission: join its group (sudo usermod -aG "
				    "$(stat -c %%G %s) $USER, then log in again)",
				    path, path);
	return ax_error_set(err, -EACCES, AX_ERROR_KVM_PERMISSION, os_errno,
			    "%s: no permission, nor has any group: sudo chgrp kvm %s && sudo chmod "
			    "660 %s, then join the group kvm",
			    path, path, path);
}

static int open_kvm(AxVm *vm, const char *path, AxError *err)
{
	int version;

	if (!*path || ax_record_is_replay(vm->record)) {
		vm->kvm_fd = SYS_OFFLINE;
		return 0;
	}
	vm->kvm_fd = sys_open(path);
	if (vm->kvm_fd == -ENOENT || vm->kvm_fd == -ENXIO || vm->kvm_fd == -ENODEV)
		return ax_error_set(
			err, -ENODEV, AX_ERROR_KVM_MISSING, -vm->kvm_fd,
			"%s: no KVM here: load the module (modprobe kvm_intel or kvm_amd), enable "
			"virtualization in the firmware, or nested virtualization in a VM",
			path);
	if (vm->kvm_fd == -EACCES || vm->kvm_fd == -EPERM)
		return no_permission(path, -vm->kvm_fd, err);
	if (vm->kvm_fd < 0)
		return ax_error_sys(err, vm->kvm_fd, path);
	version = sys_ioctl_value(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return ax_error_set(err, -ENODEV, AX_ERROR_KVM_API, -version,
				    "%s: this is not KVM (%s): give the path of a KVM device", path,
				    strerror(-version));
	if (version != SYS_KVM_API_VERSION)
		return ax_error_set(
			err, -ENODEV, AX_ERROR_KVM_API, 0,
			"%s: KVM API version %d, but %d is needed: use a kernel of 2.6.22 or later",
			path, version, SYS_KVM_API_VERSION);
	return 0;
}

static int open_vm(AxVm *vm, AxError *err)
{
	int ret;

	do {
		vm->fd = sys_ioctl_value(vm->kvm_fd, KVM_CREATE_VM, 0);
	} while (vm->fd == -EINTR);
	if (vm->fd < 0)
		return ax_error_sys(err, vm->fd, "KVM_CREATE_VM");
	ret = sys_ioctl_value(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return ax_error_sys(err, ret, "KVM_GET_VCPU_MMAP_SIZE");
	if ((size_t)ret < sizeof(struct kvm_run))
		return ax_error_set(
			err, -EIO, AX_ERROR_KVM_CALL, 0,
			"KVM_GET_VCPU_MMAP_SIZE says %d bytes, less than struct kvm_run", ret);
	vm->run_size = (size_t)ret;
	return 0;
}

static int check_options(const AxVmOptions *options, AxError *err)
{
	if (options->size < sizeof(*options))
		return ax_error_argument(err, -EINVAL,
					 "AxVmOptions.size is not set: use AX_VM_OPTIONS_INIT");
	if (options->irqchip > AX_IRQCHIP_SPLIT)
		return ax_error_argument(err, -EINVAL, "irqchip %u is none that is known",
					 options->irqchip);
	if (options->power > AX_POWER_USER)
		return ax_error_argument(err, -EINVAL, "power %u is none that is known",
					 options->power);
	if (options->unclaimed > AX_UNCLAIMED_STOP)
		return ax_error_argument(err, -EINVAL, "unclaimed %u is none that is known",
					 options->unclaimed);
	return 0;
}

static void phase(const AxVmOptions *options, const char *name)
{
	if (options->phase)
		options->phase(options->phase_opaque, name);
}

static int init_vm(AxVm *vm, const AxVmOptions *options, AxError *err)
{
	struct snapshot *first = snapshot_new();
	int ret;

	if (!first)
		return ax_error_nomem(err, "a VM");
	atomic_store(&vm->snapshot, first);
	vm->irqchip = (AxIrqchip)options->irqchip;
	vm->power = (AxPower)options->power;
	vm->unclaimed = (AxUnclaimed)options->unclaimed;
	vm->kick_signal = options->kick_signal ? options->kick_signal : DEFAULT_KICK_SIGNAL;
	vm->log = options->log;
	vm->log_opaque = options->log_opaque;
	vm->record = options->record;
	vm->phase = options->phase;
	vm->phase_opaque = options->phase_opaque;
	ret = install_kick_handler(vm->kick_signal, err);
	if (!ret)
		ret = open_kvm(vm, options->kvm_path ? options->kvm_path : "/dev/kvm", err);
	phase(options, "opening KVM");
	if (!ret)
		ret = open_vm(vm, err);
	phase(options, "KVM_CREATE_VM");
	if (!ret)
		ret = arch_vm_init(vm, err);
	phase(options, ARCH_ADDS_IRQCHIP ? "KVM's own pages" : "interrupt controller");
	return ret;
}

int vm_need_irqchip(AxVm *vm, AxError *err)
{
	bool made = false;
	int ret = 0;

	/* Messages come this way, too. */
	if (!ARCH_ADDS_IRQCHIP || atomic_load(&vm->has_irqchip))
		return 0;
	pthread_mutex_lock(&vm->lock);
	if (!atomic_load(&vm->has_irqchip)) {
		ret = arch_vm_add_irqchip(vm, err);
		made = !ret;
		atomic_store(&vm->has_irqchip, made);
	}
	pthread_mutex_unlock(&vm->lock);
	/* Without the lock: it is the embedder's, and may ask about the VM. */
	if (made && vm->phase)
		vm->phase(vm->phase_opaque, "interrupt controller");
	return ret;
}

int ax_vm_create(const AxVmOptions *options, AxVm **out, AxError *err)
{
	static const AxVmOptions defaults = AX_VM_OPTIONS_INIT;
	AxVm *vm;
	int ret;

	if (!options)
		options = &defaults;
	ret = check_options(options, err);
	if (ret)
		return ret;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return ax_error_nomem(err, "a VM");
	vm->kvm_fd = -1;
	vm->fd = -1;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	ret = init_vm(vm, options, err);
	if (ret) {
		ax_vm_destroy(vm);
		return ret;
	}
	*out = vm;
	return 0;
}

void ax_vm_destroy(AxVm *vm)
{
	if (!vm)
		return;
	pager_fini(vm);
	irq_fini(vm);
	notify_fini(vm);
	device_fini(vm);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_free(vm->vcpus[i]);
	while (vm->vcpu_table) {
		struct vcpu_table *older = vm->vcpu_table->older;

		free(vm->vcpu_table);
		vm->vcpu_table = older;
	}
	memory_fini(vm);
	range_fini(vm);
	coalesce_fini(vm);
	arch_vm_fini(vm);
	if (vm->fd >= 0)
		sys_close(vm->fd);
	if (vm->kvm_fd >= 0)
		sys_close(vm->kvm_fd);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

AxVCpu *ax_vm_vcpu(AxVm *vm, uint32_t id)
{
	AxVCpu *found = NULL;

	pthread_mutex_lock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count && !found; i++) {
		if (vm->vcpus[i]->id == id)
			found = vm->vcpus[i];
	}
	pthread_mutex_unlock(&vm->lock);
	return found;
}

AxVCpu *ax_vm_vcpu_at(AxVm *vm, unsigned index)
{
	AxVCpu *found;

	pthread_mutex_lock(&vm->lock);
	found = index < vm->vcpu_count ? vm->vcpus[index] : NULL;
	pthread_mutex_unlock(&vm->lock);
	return found;
}

void vm_wake_waiters(AxVm *vm)
{
	if (!atomic_load(&vm->waiters))
		return;
	pthread_mutex_lock(&vm->lock);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

static bool some_are_in_loop(AxVm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (atomic_load(&vm->vcpus[i]->in_loop) && !atomic_load(&vm->vcpus[i]->held))
			return true;
	}
	return false;
}

/* Paused: who enters its loop now has not been held yet, but will be before it does anything. */
bool vm_is_running(AxVm *vm)
{
	return !vm->at_rest && some_are_in_loop(vm);
}

void vm_request_stop(AxVm *vm)
{
	/* Without the lock: in this order, so that the table has at least so many. */
	unsigned count = __atomic_load_n(&vm->vcpu_count, __ATOMIC_SEQ_CST);
	AxVCpu **vcpus = __atomic_load_n(&vm->vcpus, __ATOMIC_SEQ_CST);

	for (unsigned i = 0; i < count; i++)
		vcpu_request(vcpus[i], REQUEST_STOP);
}

void ax_vm_stop(AxVm *vm, int code)
{
	uint64_t running = 0;

	if (atomic_compare_exchange_strong(&vm->stop, &running, VM_STOPPED | (uint32_t)code))
		vm_request_stop(vm);
}

int ax_vm_pause(AxVm *vm, AxError *err)
{
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (called_from_handler(vm)) {
		ret = ax_error_set(
			err, -EDEADLK, AX_ERROR_STATE, 0,
			"a VM can't be paused from its own handler: use ax_host_defer()");
	} else {
		atomic_fetch_add(&vm->paused, 1);
		atomic_fetch_add(&vm->waiters, 1);
		for (unsigned i = 0; i < vm->vcpu_count; i++) {
			if (atomic_load(&vm->vcpus[i]->in_loop))
				vcpu_request(vm->vcpus[i], REQUEST_PAUSE);
		}
		while (some_are_in_loop(vm))
			pthread_cond_wait(&vm->changed, &vm->lock);
		/*
		 * They have handed out what they wrote; who is run one entry at a time does so when
		 * it dispatches, which it can't now. And no other thread is inside a write().
		 */
		if (vm->coalesce) {
			pthread_mutex_unlock(&vm->lock);
			coalesce_drain(vm, NULL);
			pthread_mutex_lock(&vm->lock);
		}
		vm->at_rest = true;
		atomic_fetch_sub(&vm->waiters, 1);
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int ax_vm_resume(AxVm *vm, AxError *err)
{
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (!atomic_load(&vm->paused)) {
		ret = ax_error_state(err, "the VM is not paused");
	} else if (atomic_fetch_sub(&vm->paused, 1) == 1) {
		vm->at_rest = false;
		pthread_cond_broadcast(&vm->changed);
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}
