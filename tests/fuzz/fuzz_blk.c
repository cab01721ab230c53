/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the block device under a driver that does what it likes. The input is a script: features
 * and rings, then descriptors, requests, registers, notifications, resets, saved states, and in which order
 * and with which outcome the host carries out what the device asks for.
 *
 * Beside the sanitizers it is checked that every call the disk makes stays within the disk and within guest
 * RAM, that a read-only disk is never written, and that after all of it a reset gives a device that works.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "dev/virtio/blk.h"
#include "dev/virtio/mmio.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BASE  0x10000u
#define RAM_SIZE  0x10000u
#define DISK_SIZE 0x8000u
#define QUEUES	  2u
#define JOBS	  1024u
#define MOST_OPS  256u
#define HEADERS	  0x18000u /* where requests are written */

/* A disk with its device, and the engine between it and the host. There are two: the second is read-only. */
struct target {
	struct disk_engine engine;
	AxDisk *disk;
	AxVirtio *virtio;
	struct disk_job *open[JOBS];
	unsigned open_count;
	struct disk_jobs done;
};

static struct target targets[2];
static AxVm *vm;
static AxHost *host;
static uint8_t *ram;
static struct script script;

static uint16_t script_u16(void)
{
	uint16_t low = script_u8(&script);

	return (uint16_t)(low | script_u8(&script) << 8);
}

static bool is_in_ram(const struct iovec *iov)
{
	const uint8_t *base = iov->iov_base;

	return base >= ram && base <= ram + RAM_SIZE &&
	       iov->iov_len <= (size_t)(ram + RAM_SIZE - base);
}

static void check_job(const AxDisk *disk, const struct disk_job *job)
{
	uint64_t len = 0;

	if (job->kind == DISK_JOB_SYNC)
		return;
	if (job->offset > DISK_SIZE || job->len > DISK_SIZE - job->offset || !job->len)
		model_breach("a job leaves the disk");
	if (job->kind != DISK_JOB_READ && disk->info.read_only)
		model_breach("a read-only disk is written");
	if (job->kind != DISK_JOB_READ && job->kind != DISK_JOB_WRITE)
		return;
	for (unsigned i = 0; i < job->iov_count; i++) {
		if (!is_in_ram(&job->iov[i]) && job->iov[i].iov_base != disk->zeroes)
			model_breach("a job leaves guest RAM");
		len += job->iov[i].iov_len;
	}
	if (len > job->len || !len)
		model_breach("a job's buffers are of another length");
}

static void engine_submit(struct disk_engine *engine, struct disk_job *job)
{
	struct target *target = (struct target *)engine;

	check_job(target->disk, job);
	if (target->open_count == JOBS)
		model_breach("more jobs than descriptors");
	target->open[target->open_count++] = job;
}

static void engine_kick(struct disk_engine *engine)
{
	(void)engine;
}

static void finish_job(struct target *target, unsigned index, uint8_t how)
{
	static const int errors[] = { -EIO, -ENOSPC, -EINTR, -EOPNOTSUPP, -EINVAL, 0 };
	struct disk_job *job = target->open[index];

	target->open[index] = target->open[--target->open_count];
	if (how < sizeof(errors) / sizeof(errors[0])) {
		job->result = errors[how];
	} else {
		disk_job_run(job);
		/* A short transfer. */
		if (how < 32 && job->result > 1 && job->kind <= DISK_JOB_WRITE)
			job->result = 1 + (job->result - 1) % (how * 64);
	}
	disk_jobs_add(&target->done, job);
}

static struct disk_job *engine_reap(struct disk_engine *engine)
{
	return disk_jobs_take(&((struct target *)engine)->done);
}

static void engine_wait(struct disk_engine *engine)
{
	struct target *target = (struct target *)engine;

	if (target->open_count)
		finish_job(target, 0, 255);
}

static void engine_free(struct disk_engine *engine)
{
	(void)engine;
}

static const struct disk_engine_ops engine_ops = {
	.submit = engine_submit,
	.kick = engine_kick,
	.reap = engine_reap,
	.wait = engine_wait,
	.free = engine_free,
};

static void need(bool condition, const char *what)
{
	if (!condition)
		model_breach(what);
}

static void new_target(struct target *target, const char *path, bool read_only, uint64_t base)
{
	AxDiskConfig config = AX_DISK_CONFIG_INIT;
	AxVirtioBlkConfig blk = AX_VIRTIO_BLK_CONFIG_INIT;

	config.path = path;
	config.read_only = read_only;
	config.unlocked = true;
	config.engine = AX_DISK_ENGINE_THREADS;
	need(!ax_disk_open(&config, &target->disk, NULL), "the disk opens");
	target->disk->engines[0]->ops->free(target->disk->engines[0]);
	target->engine.ops = &engine_ops;
	target->engine.fd = -1;
	target->disk->engines[0] = &target->engine;
	disk_jobs_init(&target->done);
	blk.host = host;
	blk.disk = target->disk;
	blk.queues = QUEUES;
	blk.name = read_only ? "ro" : "rw";
	need(!ax_virtio_blk_new(&blk, &target->virtio, NULL), "a device is made");
	need(!ax_virtio_attach(target->virtio, vm, base, NULL, AX_VIRTIO_EDGE, NULL),
	     "the device is attached");
}

/* Once for all inputs. */
static void set_up(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;
	AxMemView view;
	char path[32];
	int fd = memfd_create("disk", MFD_CLOEXEC);

	need(fd >= 0 && !ftruncate(fd, DISK_SIZE), "there is a file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	need(!ax_vm_create(&options, &vm, NULL), "there is a VM");
	need(!ax_ram_add(vm, RAM_BASE, RAM_SIZE, 0, NULL), "there is RAM");
	need(!ax_mem_get(vm, RAM_BASE, RAM_SIZE, AX_MEM_READ, &view), "RAM is seen");
	ram = view.host;
	ax_mem_put(vm, &view, 0);
	need(!ax_host_new(NULL, NULL, &host, NULL), "there is a loop");
	new_target(&targets[0], path, false, 0xfeb00000);
	new_target(&targets[1], path, true, 0xfeb00200);
}

static void out(struct target *target, uint64_t offset, uint32_t value)
{
	(void)virtio_mmio_ops.write(NULL, target->virtio, offset, AX_WIDTH_DWORD, value);
}

static uint32_t in(struct target *target, uint64_t offset)
{
	uint64_t value = 0;

	(void)virtio_mmio_ops.read(NULL, target->virtio, offset, AX_WIDTH_DWORD, &value);
	return (uint32_t)value;
}

static void run_host(void)
{
	for (unsigned i = 0; i < 16 && ax_loop_dispatch(host, 0, NULL) > 0; i++)
		;
}

/* Descriptors, available and used ring of a queue. */
static uint32_t descriptors_of(unsigned queue)
{
	return RAM_BASE + queue * 0x4000;
}
static uint32_t driver_of(unsigned queue)
{
	return descriptors_of(queue) + 0x1000;
}
static uint32_t device_of(unsigned queue)
{
	return descriptors_of(queue) + 0x2000;
}

static void set_queue(struct target *target, unsigned queue, uint32_t size)
{
	out(target, VIRTIO_MMIO_QUEUE_SEL, queue);
	out(target, VIRTIO_MMIO_QUEUE_SIZE, size);
	out(target, VIRTIO_MMIO_QUEUE_DESC_LOW, descriptors_of(queue));
	out(target, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
	out(target, VIRTIO_MMIO_QUEUE_DRIVER_LOW, driver_of(queue));
	out(target, VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 0);
	out(target, VIRTIO_MMIO_QUEUE_DEVICE_LOW, device_of(queue));
	out(target, VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 0);
	out(target, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void start(struct target *target, uint64_t features, uint32_t size)
{
	features &= target->virtio->offered;
	features |= VIRTIO_F_VERSION_1;
	out(target, VIRTIO_MMIO_STATUS, 0);
	memset(ram, 0, QUEUES * 0x4000);
	out(target, VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (unsigned i = 0; i < 2; i++) {
		out(target, VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		out(target, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	out(target, VIRTIO_MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (unsigned i = 0; i < QUEUES; i++)
		set_queue(target, i, size);
	out(target, VIRTIO_MMIO_STATUS,
	    VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

static uint8_t *guest(uint32_t gpa)
{
	return ram + (gpa - RAM_BASE) % (RAM_SIZE - 16);
}

static void put_u16(uint32_t gpa, uint16_t value)
{
	memcpy(guest(gpa), &value, sizeof(value));
}

/* Section 2.7.5, and 2.8.13: 16 bytes, of which the last four differ. */
static void put_descriptor(unsigned queue, unsigned slot, uint64_t addr, uint32_t len, uint16_t a,
			   uint16_t b)
{
	uint8_t *at = guest(descriptors_of(queue) + 16 * slot);

	memcpy(at, &addr, 8);
	memcpy(at + 8, &len, 4);
	memcpy(at + 12, &a, 2);
	memcpy(at + 14, &b, 2);
}

static uint64_t script_addr(void)
{
	uint16_t value = script_u16();

	return value % 61 == 60 ? script_u64(&script) : RAM_BASE + value;
}

static uint32_t script_len(void)
{
	uint8_t value = script_u8(&script);

	switch (value >> 6) {
	case 0: return value;
	case 1: return (value & 63u) * DISK_SECTOR;
	case 2: return BLK_HEADER_SIZE;
	default: return value == 255 ? (uint32_t)script_u64(&script) : 1;
	}
}

static uint64_t script_sector(void)
{
	uint8_t value = script_u8(&script);

	return value == 255 ? script_u64(&script) : value;
}

/* A request's header, or the ranges of one. */
static void put_request(void)
{
	static const uint32_t types[] = { 0, 1, 4, 8, 11, 13, 14, 1 };
	uint32_t at = HEADERS + script_u8(&script) * 16u;
	uint8_t what = script_u8(&script);
	uint64_t sector = script_sector();
	uint32_t type = types[what & 7], reserved = 0;

	if (what & 0x80) {
		/* sector, sectors, flags */
		type = script_u8(&script);
		reserved = what & 3;
		memcpy(guest(at), &sector, 8);
		memcpy(guest(at) + 8, &type, 4);
		memcpy(guest(at) + 12, &reserved, 4);
		return;
	}
	memcpy(guest(at), &type, 4);
	memcpy(guest(at) + 4, &reserved, 4);
	memcpy(guest(at) + 8, &sector, 8);
}

/* A chain as a driver makes it: header, data, status. */
static void put_chain(unsigned queue, uint32_t size, bool packed, uint16_t *avail)
{
	uint8_t shape = script_u8(&script);
	bool in_data = shape & 1;
	uint32_t len = script_len();
	uint64_t addr = script_addr();
	uint64_t header = HEADERS + script_u8(&script) * 16u;
	uint16_t slot = (uint16_t)(*avail * 3);

	for (unsigned i = 0; i < 3; i++) {
		unsigned at = (slot + i) % size;
		uint16_t flags =
			(uint16_t)((i < 2 ? 1u : 0u) | (i == 2 || (i == 1 && in_data) ? 2u : 0u));
		uint64_t where = i == 0 ? header : i == 1 ? addr : HEADERS + 0x1000 + at;
		uint32_t bytes = i == 0 ? BLK_HEADER_SIZE : i == 1 ? len : 1;

		if (packed) {
			bool wrap = !(((slot + i) / size) & 1);

			flags |= (uint16_t)(wrap ? 0x80 : 0x8000);
			put_descriptor(queue, at, where, bytes, slot, flags);
		} else {
			put_descriptor(queue, at, where, bytes, flags, (uint16_t)((at + 1) % size));
		}
	}
	if (!packed) {
		put_u16(driver_of(queue) + 4 + 2 * (*avail % size), (uint16_t)(slot % size));
		put_u16(driver_of(queue) + 2, (uint16_t)(*avail + 1));
	}
	++*avail;
}

static void save_and_restore(struct target *target)
{
	AxState *state = ax_state_new();
	AxState *changed;
	uint8_t bytes[4096];
	const void *saved;
	size_t len;

	need(state && !virtio_device_ops.save(target->virtio, state), "the device is saved");
	need(target->open_count == 0, "nothing is in flight when a device is saved");
	saved = ax_state_bytes(state, &len);
	if (len <= sizeof(bytes))
		memcpy(bytes, saved, len);
	ax_state_free(state);
	if (len > sizeof(bytes))
		return;
	bytes[script_u16() % len] ^= script_u8(&script);
	changed = ax_state_from_bytes(bytes, len);
	virtio_device_ops.reset(target->virtio);
	if (virtio_device_ops.restore(target->virtio, changed))
		virtio_device_ops.reset(target->virtio);
	ax_state_free(changed);
}

static void one_op(struct target *target, uint16_t *avail, uint32_t *size, uint64_t *features)
{
	uint8_t op = script_u8(&script);
	unsigned queue = op >> 7;

	switch (op & 15) {
	case 0:
		put_descriptor(queue, script_u8(&script), script_addr(), script_len(), script_u16(),
			       script_u16());
		break;
	case 1:
		put_u16(driver_of(queue) + 4 + 2u * script_u8(&script), script_u16());
		put_u16(driver_of(queue) + 2, ++avail[queue]);
		break;
	case 2: out(target, VIRTIO_MMIO_QUEUE_NOTIFY, queue); break;
	case 3: put_request(); break;
	case 4: put_u16(RAM_BASE + script_u16(), script_u16()); break;
	case 5: out(target, 4u * script_u8(&script), (uint32_t)script_u64(&script)); break;
	case 6:
		(void)virtio_mmio_ops.write(
			NULL, target->virtio, VIRTIO_MMIO_CONFIG + script_u8(&script),
			(AxAccessWidth)(script_u8(&script) & 3), script_u64(&script));
		break;
	case 7:
		*features = script_u64(&script);
		*size = 1u << (script_u8(&script) % 9);
		avail[0] = avail[1] = 0;
		start(target, *features, *size);
		break;
	case 8:
		if (target->open_count) {
			finish_job(target, script_u8(&script) % target->open_count,
				   script_u8(&script));
			target->disk->wake(target->disk->opaque);
		}
		break;
	case 9: save_and_restore(target); break;
	case 10: run_host(); break;
	case 11: (void)in(target, 4u * script_u8(&script)); break;
	default:
		put_chain(queue, *size, *features & VIRTIO_F_RING_PACKED, &avail[queue]);
		out(target, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
		break;
	}
}

/* A write, and a read of the same, as of a driver that starts anew. */
static void it_works(struct target *target, bool packed)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_IN };
	uint32_t status = HEADERS + 0x800;
	uint32_t data = HEADERS + 0x1000;
	unsigned first = target->disk->info.read_only ? 1 : 0;

	start(target, packed ? ~0ull : ~VIRTIO_F_RING_PACKED, 16);
	for (unsigned i = first; i < 2; i++) {
		unsigned slot = 3 * (i - first);
		uint16_t available = packed ? 0x80 : 0;

		memcpy(guest(HEADERS), &types[i], 4);
		memset(guest(HEADERS) + 4, 0, 12);
		memset(guest(data), i ? 0 : 0x5a, DISK_SECTOR);
		*guest(status) = 0xee;
		if (packed) {
			put_descriptor(0, slot, HEADERS, 16, 0, available | 1);
			put_descriptor(0, slot + 1, data, DISK_SECTOR, 0, available | (i ? 3 : 1));
			put_descriptor(0, slot + 2, status, 1, 0, available | 2);
		} else {
			put_descriptor(0, slot, HEADERS, 16, 1, (uint16_t)(slot + 1));
			put_descriptor(0, slot + 1, data, DISK_SECTOR, i ? 3 : 1,
				       (uint16_t)(slot + 2));
			put_descriptor(0, slot + 2, status, 1, 2, 0);
			put_u16(driver_of(0) + 4 + 2 * (i - first), (uint16_t)slot);
			put_u16(driver_of(0) + 2, (uint16_t)(i - first + 1));
		}
		out(target, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
		run_host();
		while (target->open_count)
			finish_job(target, 0, 255);
		target->disk->wake(target->disk->opaque);
		need(*guest(status) == VIRTIO_BLK_S_OK, "a device that was reset works");
		need(first || !i || *guest(data) == 0x5a, "what was written is read");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target *target;
	uint16_t avail[QUEUES] = { 0, 0 };
	uint64_t features;
	uint32_t queue_size;
	uint8_t shape;

	if (!vm)
		set_up();
	script_init(&script, data, size);
	shape = script_u8(&script);
	target = &targets[shape & 1];
	features = shape & 2 ? ~0ull : ~VIRTIO_F_RING_PACKED;
	if (shape & 4)
		features &= ~VIRTIO_F_EVENT_IDX;
	if (shape & 8)
		features &= ~(VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD);
	queue_size = 1u << (shape >> 4) % 9;
	memset(ram, 0, RAM_SIZE);
	/* What a disk remembers of its host would make an input depend on those before it. */
	target->disk->lost = target->disk->no_punch = target->disk->no_zero_range = false;
	start(target, features, queue_size);
	for (unsigned i = 0; i < MOST_OPS && !script_is_over(&script); i++)
		one_op(target, avail, &queue_size, &features);
	run_host();
	out(target, VIRTIO_MMIO_STATUS, 0);
	need(!target->open_count && !target->disk->in_flight, "a reset leaves nothing in flight");
	run_host();
	it_works(target, shape & 2);
	return 0;
}
