/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record and replay: all that reaches the handlers of a VM and all that they answer, in order, in a
 * file; and the same handlers fed from that file, without KVM, their answers compared.
 *
 * What is recorded comes in units, one at a time: an exit with its answer, a callback of the host's
 * services (a timer, a watched descriptor, deferred work), or a call from outside (bytes that are typed
 * into a UART). Inside of a unit stand, in order, its inputs, which the device could not know (what the
 * clock said, guest memory that it read, bytes that the host gave), and its outputs (interrupt lines
 * that changed, messages, guest memory that it wrote). In a replay inputs come from the recording, and
 * outputs and answers are compared with it.
 *
 * A device needs nothing of this header if it uses AxHost (host.h), AxIrq (irq.h) and ax_mem_read() and
 * ax_mem_write() (memory.h) alone: those record by themselves. What it learns in other ways (a system
 * call, guest memory through a view) it passes through ax_record_input(). A device that cannot do so
 * says ax_record_refuse(): its units are passed over in a replay.
 *
 * While it is recorded, exits are not taken by the fast path, notifications are carried by the dispatch
 * (no ioeventfd, no collected writes), and units wait for each other. A VM without a recording pays nothing.
 *
 * The file's format is described in docs/RECORDING; all of it is untrusted when it is read.
 */
#ifndef AXVMM_RECORD_H
#define AXVMM_RECORD_H

#include <axvmm/error.h>
#include <axvmm/exit.h>
#include <axvmm/host.h>
#include <axvmm/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A recording that is being made, or one that is being replayed. */
typedef struct AxRecord AxRecord;

/*
 * Kinds of inputs and outputs: what `where` and the bytes mean. Numbers are little endian. Numbered for
 * ever; kinds from AX_RECORD_USER on are the embedder's.
 */
typedef enum AxRecordKind {
	/* Inputs. */
	AX_RECORD_CLOCK = 1,	 /* ax_host_now(): 8 bytes */
	AX_RECORD_REAL_TIME = 2, /* the time of day: 8 bytes of nanoseconds */
	AX_RECORD_MEMORY = 3,	 /* guest memory that was read; where: its address */
	AX_RECORD_DATA = 4,	 /* bytes that the host gave; where: the device's */
	AX_RECORD_RESULT = 5,	 /* what a call of the host returned: 8 bytes, signed; where: the device's */
	AX_RECORD_REGISTER = 6,	 /* ax_vcpu_get_gpr(), ax_vcpu_get_reg(): 8 bytes */
	/* Outputs. */
	AX_RECORD_LINE = 32,	/* an interrupt line; where: its number; 1 byte: 0 low, 1 high, 2 a pulse */
	AX_RECORD_MESSAGE = 33, /* ax_msi_send(); where: the address; 4 bytes of data */
	AX_RECORD_INJECT = 34,	/* ax_vcpu_inject_interrupt(); where: the vCPU's id; 8 bytes, the vector | AX_RECORD_TAKEN_BACK */
	AX_RECORD_ROUTE = 35,	/* ax_irq_route(); where: the gsi; 12 bytes, or none: masked */
	AX_RECORD_WRITTEN = 36, /* guest memory that was written; where: its address */
	AX_RECORD_TIMER = 37,	/* ax_timer_arm(); where: the timer; 8 bytes, the deadline */
	AX_RECORD_WATCH = 38,	/* ax_watch_set(); where: the watch; 4 bytes, the events */
	AX_RECORD_SENT = 39,	/* what a device sent out; where: the device's */
	AX_RECORD_TAKEN = 40,	/* what a call from outside returned: 8 bytes */
	AX_RECORD_USER = 64
} AxRecordKind;

#define AX_RECORD_TAKEN_BACK (UINT64_C(1) << 63) /* ax_vcpu_clear_interrupt() */

typedef struct AxRecordConfig {
	size_t size;	  /* sizeof(AxRecordConfig): AX_RECORD_CONFIG_INIT */
	const char *path; /* written anew; NULL: kept in memory, ax_record_bytes() */
} AxRecordConfig;

#define AX_RECORD_CONFIG_INIT { sizeof(AxRecordConfig), NULL }

/**
 * Begin a recording. It is then given to what is to be recorded: AxVmOptions.record (or
 * AxMachineOptions.record), and ax_record_host() in the place of the devices' AxHost.
 *
 * @param out  owned by the caller: ax_record_free(), after the VM and the host
 * @return 0; -EINVAL; -EACCES, -ENOENT, -EIO the file (the message names it); -ENOMEM
 *
 * Thread: any.
 */
AX_API int ax_record_create(const AxRecordConfig *config, AxRecord **out, AxError *err);

/**
 * The host services to give to devices that are recorded: @inner's, with all that comes from them
 * written down. In a replay: services that do nothing by themselves, their callbacks come from the
 * recording. Timers and watches are known by the order in which they are made.
 *
 * @param inner  borrowed until the recording is freed; NULL in a replay
 * @return owned by the recording; one for each recording; NULL: no memory
 *
 * Thread: the one that builds the VM.
 */
AX_API AxHost *ax_record_host(AxRecord *record, AxHost *inner);

/*
 * Timers, watches and deferred work that @host makes from here on are @device's (at most 31 bytes), so
 * that a replay of one device knows its callbacks; inside of a unit they are that unit's. Nothing for a
 * host that is not ax_record_host()'s. Thread: the one that builds the VM.
 */
AX_API void ax_host_owner(AxHost *host, const char *device);

/**
 * Write down a fact about what is recorded, by which a replay makes the same devices, or look one up.
 *
 * @param key    1 to 63 bytes, up to 1024 of them (more are left out); a later value for the same key counts
 * @param value  up to 65535 bytes of text
 * @return (get) owned by the recording; NULL: there is none
 *
 * Thread: any.
 */
AX_API void ax_record_set_fact(AxRecord *record, const char *key, const char *value);
AX_API const char *ax_record_fact(AxRecord *record, const char *key);

/* A device can't be replayed, because of @why: its units are passed over. Thread: any. */
AX_API void ax_record_refuse(AxRecord *record, const char *device, const char *why);

/* Why a device is passed over; NULL: it is not. Owned by the recording. Thread: any. */
AX_API const char *ax_record_refusal(AxRecord *record, const char *device);

/**
 * End a recording: the VM's vCPUs and the host's loop have come to rest. Without this, or after a
 * failure, the file ends anywhere, and a replay says so.
 *
 * @return 0; -EIO, -ENOSPC, -ENOMEM what was written did not arrive: the first failure
 *
 * Thread: any.
 */
AX_API int ax_record_finish(AxRecord *record, AxError *err);

/* What has been recorded into memory, after ax_record_finish(). Owned by the recording. */
AX_API const void *ax_record_bytes(const AxRecord *record, size_t *len);

/* How many bytes were recorded, and how many units. Thread: any. */
AX_API uint64_t ax_record_size(AxRecord *record, uint64_t *units);

/* Free it; the VM and all users of its host are gone. NULL is allowed. Thread: any. */
AX_API void ax_record_free(AxRecord *record);

/*
 * For devices: what ax_vm_record() gives them when they are put into a VM. All do nothing where that is
 * NULL, and outside of units.
 */

/**
 * @bytes were learned from outside: they are recorded. In a replay they are overwritten by what was
 * recorded; zero where that is of another kind, place or length, which is a difference.
 *
 * Thread: any inside a unit.
 */
AX_API void ax_record_input(AxRecord *record, uint32_t kind, uint64_t where, void *bytes, size_t len);

/* ax_record_input() of AX_RECORD_RESULT: returns @result, in a replay what was recorded. */
AX_API int64_t ax_record_result(AxRecord *record, uint64_t where, int64_t result);

/* @bytes went out: recorded; in a replay compared. Thread: any inside a unit. */
AX_API void ax_record_output(AxRecord *record, uint32_t kind, uint64_t where, const void *bytes,
			     size_t len);

/* Whether it is being replayed. Thread: any. */
AX_API bool ax_record_is_replay(const AxRecord *record);

/* The VM's recording, or the one that it replays; NULL: none. Thread: any. */
AX_API AxRecord *ax_vm_record(const AxVm *vm);

/**
 * Begin and end a unit that is a call from outside of the device @device. A replay calls the
 * device's AxDeviceOps.outside with the same @what and bytes. To be called where no lock of the
 * device's is held.
 *
 * Thread: any.
 */
AX_API void ax_record_enter(AxRecord *record, const char *device, uint32_t what, const void *bytes,
			    size_t len);
AX_API void ax_record_leave(AxRecord *record);

/**
 * Open a recording for a replay. A VM that is created with it (AxVmOptions.record) has no KVM: its
 * vCPUs exist, and never run.
 *
 * @param bytes  the file; borrowed until ax_record_free()
 * @return 0; -ENOEXEC these are no recording, or of another version; -ENOTSUP of another architecture;
 * -ENOMEM. The message begins with @name
 *
 * Thread: any.
 */
AX_API int ax_replay_open(const char *name, const void *bytes, size_t len, AxRecord **out, AxError *err);

/* How a replay ended. */
typedef enum AxReplayEnd {
	AX_REPLAY_SAME = 0,	 /* all answers, and all outputs, are as they were recorded */
	AX_REPLAY_DIFFERENT = 1, /* .unit is the first that is not */
	AX_REPLAY_DAMAGED = 2	 /* .byte is where the recording makes no sense, or ends */
} AxReplayEnd;

#define AX_REPLAY_TEXT 248

typedef struct AxReplayOptions {
	size_t size;	    /* sizeof(AxReplayOptions): AX_REPLAY_OPTIONS_INIT */
	const char *device; /* units of this device alone; NULL: all */
	/* Called with one line for each record of the units that are replayed; NULL: not wanted. */
	void (*line)(void *opaque, const char *line);
	void *opaque;
	uint64_t first, last; /* the units, counted from 1, of which lines are wanted */
} AxReplayOptions;

#define AX_REPLAY_OPTIONS_INIT { sizeof(AxReplayOptions), NULL, NULL, NULL, 0, UINT64_MAX }

typedef struct AxReplayResult {
	size_t size;	 /* sizeof(AxReplayResult): AX_REPLAY_RESULT_INIT */
	uint32_t end;	 /* an AxReplayEnd */
	uint64_t exits;	 /* that were replayed */
	uint64_t calls;	 /* callbacks and calls from outside */
	uint64_t inputs, outputs;
	uint64_t passed; /* units that were passed over */
	uint64_t unit;	 /* the one that differs, counted from 1 */
	uint64_t byte;	 /* of the recording, where that is */
	char device[32]; /* of that unit; "": not known */
	char recorded[AX_REPLAY_TEXT]; /* what the recording has there, one line */
	char came[AX_REPLAY_TEXT];     /* what came instead */
} AxReplayResult;

#define AX_REPLAY_RESULT_INIT { sizeof(AxReplayResult), 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, { 0 }, { 0 } }

/**
 * Feed a recording to the handlers of @vm, which was created with it and has the devices that the
 * recorded one had, on the calling thread, and compare. Once for each VM.
 *
 * @param options  NULL: all defaults
 * @param result   its `size` set by the caller; filled on success
 * @return 0, also for a difference or a damaged recording; -EINVAL; -EPERM the VM was created without
 * this recording, or it was replayed already; -ENOENT there is no such device; -ENOMEM; -EIO
 *
 * Thread: the one that builds the VM.
 */
AX_API int ax_replay_run(AxRecord *record, AxVm *vm, const AxReplayOptions *options,
			 AxReplayResult *result, AxError *err);

/**
 * List the units of a recording around one of them, without replaying: the last @count up to @unit that
 * belong to @device.
 *
 * @param vm      whose ranges say which device an exit is for
 * @param device  NULL or "": all
 * @param line    called with each line
 *
 * Thread: any.
 */
AX_API void ax_replay_context(AxRecord *record, AxVm *vm, const char *device, uint64_t unit,
			      unsigned count, void (*line)(void *opaque, const char *line), void *opaque);

#ifdef __cplusplus
}
#endif

#endif
