/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercall routes: which ones are on, and the one that needs nothing of KVM, the block in guest
 * memory.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include <axvmm/memory.h>

#include "arch/arch.h"
#include "core/error.h"
#include "core/hypercall.h"
#include "core/reply.h"

/*
 * The address that a write announces: false when it is not to one of the two places, or not of
 * their widths.
 */
static bool announced_block(const AxVm *vm, const AxVCpuExitReason *exit, uint64_t *block)
{
	const AxHypercallConfig *config = &vm->hypercall;

	if (exit->kind == AX_EXIT_MMIO_WRITE && config->block_mmio &&
	    exit->mmio_write.addr == config->block_mmio &&
	    (exit->mmio_write.len == 8 || exit->mmio_write.len == 4)) {
		*block = exit->mmio_write.data;
		return true;
	}
	if (exit->kind == AX_EXIT_IO_WRITE && config->block_port &&
	    exit->io_write.port == config->block_port && exit->io_write.width == AX_WIDTH_DWORD &&
	    exit->io_write.count == 1) {
		*block = exit->io_write.data;
		return true;
	}
	return false;
}

/* The result will be written there, so RAM that is read-only for the guest does not do. */
static bool is_writable_ram(AxVm *vm, uint64_t gpa, uint64_t len)
{
	AxRamInfo ram;

	for (unsigned i = 0; ax_ram_info(vm, i, &ram); i++) {
		if (gpa >= ram.base && gpa - ram.base < ram.size)
			return !(ram.flags & AX_RAM_READONLY) && len <= ram.size - (gpa - ram.base);
	}
	return false;
}

void hypercall_from_block(AxVCpu *vcpu, AxVCpuExitReason *exit)
{
	struct hypercall_block block;
	uint64_t gpa;

	if (!announced_block(vcpu->vm, exit, &gpa))
		return;
	if (gpa % sizeof(uint64_t) || !is_writable_ram(vcpu->vm, gpa, sizeof(block)) ||
	    ax_mem_read(vcpu->vm, gpa, &block, sizeof(block)))
		return;
	exit->kind = AX_EXIT_HYPERCALL;
	exit->hypercall =
		(AxExitHypercall){ .nr = block.nr, .route = AX_ROUTE_BLOCK, .block = gpa };
	memcpy(exit->hypercall.args, block.args, sizeof(block.args));
	vcpu->pending.kind = AX_EXIT_HYPERCALL;
	vcpu->pending.route = AX_ROUTE_BLOCK;
	vcpu->pending.block = gpa;
}

/* The places read as zero; a write that is no sane block is nobody's. */
static AxHandled block_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			    uint64_t *value)
{
	(void)vcpu;
	(void)opaque;
	(void)offset;
	(void)width;
	(void)value;
	return AX_HANDLED;
}

static const AxRangeOps block_ops = { .size = sizeof(AxRangeOps), .read = block_read };

/* Claim the places, so that no other range can lie there. */
static int claim_block(AxVm *vm, const AxHypercallConfig *config, AxError *err)
{
	AxRange range = AX_RANGE_INIT;
	AxRangeId mmio = 0;
	int ret;

	range.name = "hypercall block";
	range.ops = &block_ops;
	if (config->block_mmio) {
		range.base = config->block_mmio;
		range.length = sizeof(uint64_t);
		ret = range_add_uncached(vm, RANGE_MMIO, &range, &mmio, err);
		if (ret)
			return ret;
	}
	if (config->block_port) {
		range.base = config->block_port;
		range.length = sizeof(uint32_t);
		ret = range_add_uncached(vm, RANGE_PORT, &range, NULL, err);
		if (ret) {
			if (mmio)
				ax_range_remove(vm, mmio, NULL);
			return ret;
		}
	}
	return 0;
}

int ax_hypercall_set(AxVm *vm, const AxHypercallConfig *config, const AxHypercallOps *ops,
		     void *opaque, AxError *err)
{
	static const AxHypercallConfig off = AX_HYPERCALL_CONFIG_INIT;
	int ret;

	if (!config)
		config = &off;
	if (config->size < sizeof(*config) || (ops && ops->size < sizeof(*ops)))
		return ax_error_argument(
			err, -EINVAL, "a hypercall struct's size is not set: use the INIT macro");
	if (config->flags &
	    ~(AX_HYPERCALL_TRAP | AX_HYPERCALL_MAP_GPA | AX_HYPERCALL_USER | AX_HYPERCALL_CONSOLE))
		return ax_error_argument(err, -EINVAL, "unknown hypercall flags 0x%x",
					 config->flags);
	if (vm->vcpu_count)
		return ax_error_state(err, "hypercalls are set before the first vCPU is created");
	if (vm->hypercall.size)
		return ax_error_state(err, "hypercalls are set once");
	ret = arch_intercept_hypercalls(vm, config->flags, err);
	if (!ret)
		ret = claim_block(vm, config, err);
	if (ret)
		return ret;
	vm->hypercall = *config;
	vm->hypercall_ops = ops;
	vm->hypercall_opaque = opaque;
	return 0;
}
