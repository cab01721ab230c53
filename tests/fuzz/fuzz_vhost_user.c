/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: vhost-user's front end with a back end that answers what it likes. The input is a script of
 * answers, most of them of the right form and with any value, some of any form; at its end the back end
 * leaves. Queues are handed over and taken back a few times.
 *
 * Beside the sanitizers: what the front end keeps of the answers is within its limits, and every call
 * that fails says so in an AxError.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "dev/virtio/vhost_user.h"
#include "tests/fuzz/fuzz_exit_model.h"
#include "tests/unit/fake_sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BASE     0x100000u
#define RAM_SIZE     0x10000u
#define QUEUES	     3u
#define MOST_ANSWERS 200u

static AxVm *vm;
static struct virtq queues[QUEUES];
static AxVirtio virtio;
static int call_event;

static void need(bool condition, const char *what)
{
	if (!condition)
		model_breach(what);
}

static void set_up(void)
{
	AxVmOptions options = AX_VM_OPTIONS_INIT;

	fake_sys_reset();
	options.irqchip = AX_IRQCHIP_NONE;
	need(!ax_vm_create(&options, &vm, NULL), "there is a VM");
	need(!ax_ram_add(vm, RAM_BASE, RAM_SIZE, AX_RAM_MEMFD, NULL), "there is RAM");
	virtio.link.vm = vm;
	virtio.features = VIRTIO_F_VERSION_1;
	virtio.queues = queues;
	virtio.queue_count = QUEUES;
	for (unsigned i = 0; i < QUEUES; i++) {
		queues[i].size = 16;
		queues[i].ready = i != 1;
		queues[i].descriptors = RAM_BASE + 0x1000 * i;
		queues[i].driver = queues[i].descriptors + 0x400;
		queues[i].device = queues[i].descriptors + 0x800;
		queues[i].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	call_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void put(int fd, const void *bytes, size_t len)
{
	need(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len, "the socket takes it");
}

/* What the front end will wait for next, as it is with acknowledgements. */
static const uint8_t expected[] = {
	/* open */ 1,  15, 3,  17,
	/* start */ 2, 5,  8,  10, 9, 13, 12, 18, 8, 10, 9, 13, 12, 18,
	/* stop */ 18, 11, 18, 11,
};
#define OPENING 4u

static void answer(struct script *script, int fd, unsigned at)
{
	uint8_t request =
		at < sizeof(expected)
			? expected[at]
			: expected[OPENING + (at - OPENING) % (sizeof(expected) - OPENING)];
	uint8_t how = script_u8(script);
	struct {
		struct vhost_user_header header;
		uint64_t value;
	} __attribute__((packed)) message = {
		.header = { request, VHOST_USER_VERSION | VHOST_USER_REPLY, 8 },
	};

	if (how >= 0xf0) {
		uint8_t bytes[16];

		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = script_u8(script);
		put(fd, bytes, how - 0xf0u + 1);
		return;
	}
	if (request == VHOST_USER_GET_FEATURES)
		message.value = VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES;
	else if (request == VHOST_USER_GET_PROTOCOL_FEATURES)
		message.value = VHOST_USER_PROTOCOL_F_MQ | VHOST_USER_PROTOCOL_F_REPLY_ACK;
	else if (request == VHOST_USER_GET_VRING_BASE)
		message.value = at % 4 == 1 ? 0 : 2;
	if (how & 1)
		message.value ^= script_u64(script);
	if (how & 2)
		message.value ^= (uint64_t)script_u8(script) << 32;
	if ((how & 0x1c) == 0x1c)
		((uint8_t *)&message.header)[script_u8(script) % sizeof(message.header)] =
			script_u8(script);
	put(fd, &message, sizeof(message));
}

static void check(const struct vhost_user *user, int ret, const AxError *err)
{
	need(!ret == !err->message[0], "a failure says nothing, or a success does");
	need(user->queues <= VHOST_USER_RINGS, "more queues than there can be");
	need(!(user->started & ~5u), "a queue is served that was not handed over");
	for (unsigned i = 0; i < VHOST_USER_RINGS; i++)
		need(user->base[i] <= UINT16_MAX, "a position is none");
}

static int use(struct vhost_user *user)
{
	AxError err = AX_ERROR_INIT;
	int ret = vhost_user_open(user, &err);

	check(user, ret, &err);
	for (unsigned round = 0; !ret && round < 3; round++) {
		ret = vhost_user_start(user, &virtio, call_event, &err);
		check(user, ret, &err);
		if (ret)
			break;
		ret = vhost_user_stop(user, &err);
		check(user, ret, &err);
		need(ret || !user->started, "a queue is still served");
		if (round == 1)
			vhost_user_reset(user);
	}
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vhost_user user = { .name = "virtiofsd" };
	AxError err = AX_ERROR_INIT;
	struct script script;
	int pair[2];

	if (!vm)
		set_up();
	script_init(&script, data, size);
	need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	     "there is a pair of sockets");
	user.fd = pair[0];
	for (unsigned i = 0; i < MOST_ANSWERS && !script_is_over(&script); i++)
		answer(&script, pair[1], i);
	shutdown(pair[1], SHUT_WR);
	use(&user);
	need(vhost_user_is_quiet(&user, &err) == !err.message[0],
	     "it is quiet, or it is said why not");
	close(pair[0]);
	close(pair[1]);
	return 0;
}
