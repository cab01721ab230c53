/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O APIC: Intel's 82093AA, for split irqchips: KVM has the local APICs, and takes messages. What it
 * does and does not do stands in axvmm/pc.h.
 *
 * Source: Intel 82093AA datasheet (290566-001), chapter 3; SDM 3A, 11.11 (messages).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvmm/pc.h>

#include "dev/dev.h"

#define LENGTH	      0x1000
#define STATE_VERSION 1

/* 3.1: memory mapped registers. */
#define IOREGSEL 0x00
#define IOWIN	 0x10

/* 3.2: registers behind them. */
#define IOAPICID      0x00
#define IOAPICVER     0x01
#define IOAPICARB     0x02
#define IOREDTBL      0x10
#define ID_MASK	      0x0f000000u
#define VERSION	      0x11u
#define VERSION_COUNT ((AX_IOAPIC_PINS - 1u) << 16)

/* 3.2.4: an entry of the redirection table. */
#define ENTRY_VECTOR	 0xffull
#define ENTRY_DELIVERY	 0x700ull
#define ENTRY_LOGICAL	 (1ull << 11)
#define ENTRY_STATUS	 (1ull << 12)
#define ENTRY_REMOTE_IRR (1ull << 14)
#define ENTRY_LEVEL	 (1ull << 15)
#define ENTRY_MASKED	 (1ull << 16)
#define ENTRY_DEST_SHIFT 56
#define ENTRY_READ_ONLY	 (ENTRY_STATUS | ENTRY_REMOTE_IRR)
#define ENTRY_WRITABLE	 (0xff0000000001ffffull & ~ENTRY_READ_ONLY)

#define MSI_ADDRESS	0xfee00000u
#define MSI_DEST_SHIFT	12
#define MSI_LOGICAL	(1u << 2)
#define MSI_DATA_ASSERT (1u << 14)
#define MSI_DATA_LEVEL	(1u << 15)

struct pin {
	uint64_t entry;
	bool level;   /* of the line */
	bool pending; /* an edge arrived while the pin was masked */
};

struct AxIoapic {
	struct ax_dev_link link;
	AxLock *lock; /* guards what follows */
	uint32_t id;
	uint8_t select;
	struct pin pins[AX_IOAPIC_PINS];
};

static AxMsi message(uint64_t entry)
{
	AxMsi msi = { .address = MSI_ADDRESS | (entry >> ENTRY_DEST_SHIFT) << MSI_DEST_SHIFT,
		      .data = (uint32_t)(entry & (ENTRY_VECTOR | ENTRY_DELIVERY)) };

	if (entry & ENTRY_LOGICAL)
		msi.address |= MSI_LOGICAL;
	if (entry & ENTRY_LEVEL)
		msi.data |= MSI_DATA_LEVEL | MSI_DATA_ASSERT;
	return msi;
}

/* Send what has come and may go. */
static void service(AxIoapic *ioapic, struct pin *pin)
{
	AxMsi msi = message(pin->entry);

	if (pin->entry & ENTRY_MASKED)
		return;
	if (pin->entry & ENTRY_LEVEL) {
		if (!pin->level || (pin->entry & ENTRY_REMOTE_IRR))
			return;
		pin->entry |= ENTRY_REMOTE_IRR;
	} else {
		if (!pin->pending)
			return;
	}
	pin->pending = false;
	if (ioapic->link.vm)
		(void)ax_msi_send(ioapic->link.vm, &msi, NULL);
}

static void set_line(void *opaque, uint32_t number, bool level)
{
	AxIoapic *ioapic = opaque;
	struct pin *pin = &ioapic->pins[number];
	uint8_t told = level;

	/* What the device did; a message is the IOAPIC's. */
	ax_record_output(ax_dev_record(&ioapic->link), AX_RECORD_LINE, number, &told, sizeof(told));
	ax_lock(ioapic->lock);
	if (level && !pin->level)
		pin->pending = true;
	pin->level = level;
	service(ioapic, pin);
	ax_unlock(ioapic->lock);
}

int ax_ioapic_irq(AxIoapic *ioapic, uint32_t pin, AxIrq *irq, AxError *err)
{
	if (pin >= AX_IOAPIC_PINS)
		return ax_error_set(err, -EINVAL, AX_ERROR_ARGUMENT, 0,
				    "an IOAPIC has pins 0 to %d, not %u", AX_IOAPIC_PINS - 1, pin);
	*irq = (AxIrq){ .set = set_line, .opaque = ioapic, .line = pin };
	return 0;
}

void ax_ioapic_eoi(AxIoapic *ioapic, uint8_t vector)
{
	ax_lock(ioapic->lock);
	for (unsigned i = 0; i < AX_IOAPIC_PINS; i++) {
		struct pin *pin = &ioapic->pins[i];

		if ((pin->entry & (ENTRY_VECTOR | ENTRY_REMOTE_IRR)) != (vector | ENTRY_REMOTE_IRR))
			continue;
		pin->entry &= ~ENTRY_REMOTE_IRR;
		service(ioapic, pin);
	}
	ax_unlock(ioapic->lock);
}

/* What an eventfd for this pin sends, and whose end is reported, changes with the entry. */
static void route(AxIoapic *ioapic, unsigned number)
{
	uint64_t entry = ioapic->pins[number].entry;
	AxMsi msi = message(entry);

	if (ioapic->link.vm)
		(void)ax_irq_route(ioapic->link.vm, number, entry & ENTRY_MASKED ? NULL : &msi,
				   NULL);
}

static void write_entry(AxIoapic *ioapic, unsigned number, bool high, uint32_t value)
{
	struct pin *pin = &ioapic->pins[number];
	uint64_t before = pin->entry;
	uint64_t written = high ? (before & UINT32_MAX) | (uint64_t)value << 32
				: (before & ~(uint64_t)UINT32_MAX) | value;

	pin->entry = (written & ENTRY_WRITABLE) | (before & ENTRY_READ_ONLY);
	if (!(pin->entry & ENTRY_LEVEL))
		pin->entry &= ~ENTRY_REMOTE_IRR;
	if (((pin->entry ^ before) & ENTRY_WRITABLE) != 0)
		route(ioapic, number);
	service(ioapic, pin);
}

static uint32_t read_register(const AxIoapic *ioapic)
{
	unsigned entry = (unsigned)(ioapic->select - IOREDTBL) / 2;

	switch (ioapic->select) {
	case IOAPICID:
	case IOAPICARB: return ioapic->id;
	case IOAPICVER: return VERSION | VERSION_COUNT;
	default: break;
	}
	if (ioapic->select < IOREDTBL || entry >= AX_IOAPIC_PINS)
		return 0;
	return (uint32_t)(ioapic->pins[entry].entry >> (ioapic->select & 1 ? 32 : 0));
}

static void write_register(AxIoapic *ioapic, uint32_t value)
{
	unsigned entry = (unsigned)(ioapic->select - IOREDTBL) / 2;

	if (ioapic->select == IOAPICID)
		ioapic->id = value & ID_MASK;
	else if (ioapic->select >= IOREDTBL && entry < AX_IOAPIC_PINS)
		write_entry(ioapic, entry, ioapic->select & 1, value);
}

static AxHandled ioapic_read(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			     uint64_t *value)
{
	AxIoapic *ioapic = opaque;

	if (width != AX_WIDTH_DWORD)
		return AX_UNHANDLED;
	switch (offset) {
	case IOREGSEL: *value = ioapic->select; return AX_HANDLED;
	case IOWIN: *value = read_register(ioapic); return AX_HANDLED;
	default: return AX_UNHANDLED;
	}
}

static AxHandled ioapic_write(AxVCpu *vcpu, void *opaque, uint64_t offset, AxAccessWidth width,
			      uint64_t value)
{
	AxIoapic *ioapic = opaque;

	if (width != AX_WIDTH_DWORD)
		return AX_UNHANDLED;
	switch (offset) {
	case IOREGSEL: ioapic->select = (uint8_t)value; return AX_HANDLED;
	case IOWIN: write_register(ioapic, (uint32_t)value); return AX_HANDLED;
	default: return AX_UNHANDLED;
	}
}

static const AxRangeOps ioapic_ops = {
	.size = sizeof(AxRangeOps),
	.read = ioapic_read,
	.write = ioapic_write,
};

static void route_all(AxIoapic *ioapic)
{
	for (unsigned i = 0; i < AX_IOAPIC_PINS; i++)
		route(ioapic, i);
}

/* Lines keep the level that their devices give them. */
static void clear(AxIoapic *ioapic)
{
	ioapic->id = 0;
	ioapic->select = 0;
	for (unsigned i = 0; i < AX_IOAPIC_PINS; i++) {
		ioapic->pins[i].entry = ENTRY_MASKED;
		ioapic->pins[i].pending = false;
	}
}

static void ioapic_reset(void *opaque)
{
	AxIoapic *ioapic = opaque;

	ax_lock(ioapic->lock);
	clear(ioapic);
	route_all(ioapic);
	ax_unlock(ioapic->lock);
}

static int ioapic_save(void *opaque, AxState *state)
{
	AxIoapic *ioapic = opaque;

	ax_state_put_u8(state, STATE_VERSION);
	ax_lock(ioapic->lock);
	ax_state_put_u32(state, ioapic->id);
	ax_state_put_u8(state, ioapic->select);
	for (unsigned i = 0; i < AX_IOAPIC_PINS; i++) {
		ax_state_put_u64(state, ioapic->pins[i].entry);
		ax_state_put_u8(state, ioapic->pins[i].level);
		ax_state_put_u8(state, ioapic->pins[i].pending);
	}
	ax_unlock(ioapic->lock);
	return ax_state_error(state);
}

static int read_state(AxIoapic *into, AxState *state)
{
	uint8_t version = ax_state_get_u8(state);

	into->id = ax_state_get_u32(state) & ID_MASK;
	into->select = ax_state_get_u8(state);
	for (unsigned i = 0; i < AX_IOAPIC_PINS; i++) {
		into->pins[i].entry = ax_state_get_u64(state);
		into->pins[i].level = ax_state_get_u8(state) != 0;
		into->pins[i].pending = ax_state_get_u8(state) != 0;
		if (into->pins[i].entry & ~(ENTRY_WRITABLE | ENTRY_READ_ONLY))
			return -EINVAL;
	}
	return ax_state_error(state) || version != STATE_VERSION ? -EINVAL : 0;
}

static int ioapic_restore(void *opaque, AxState *state)
{
	AxIoapic *ioapic = opaque, restored = { .id = 0 };
	int ret = read_state(&restored, state);

	ax_lock(ioapic->lock);
	clear(ioapic);
	if (!ret) {
		ioapic->id = restored.id;
		ioapic->select = restored.select;
		memcpy(ioapic->pins, restored.pins, sizeof(ioapic->pins));
	}
	route_all(ioapic);
	ax_unlock(ioapic->lock);
	return ret;
}

static const AxDeviceOps ioapic_device_ops = {
	.size = sizeof(AxDeviceOps),
	.reset = ioapic_reset,
	.save = ioapic_save,
	.restore = ioapic_restore,
};

int ax_ioapic_new(const AxIoapicConfig *config, AxIoapic **out, AxError *err)
{
	AxIoapicConfig known = AX_IOAPIC_CONFIG_INIT;
	AxIoapic *ioapic;
	int ret;

	ret = ax_dev_config(&known, sizeof(known), config, sizeof(known), "AxIoapicConfig", err);
	if (ret)
		return ret;
	ioapic = calloc(1, sizeof(*ioapic));
	if (!ioapic)
		return ax_dev_error_nomem(err, "an IOAPIC");
	ret = ax_dev_name(&ioapic->link, known.name, "ioapic", err);
	if (!ret) {
		ioapic->lock = ax_lock_new();
		ret = ioapic->lock ? 0 : ax_dev_error_nomem(err, "an IOAPIC");
	}
	if (ret) {
		free(ioapic);
		return ret;
	}
	clear(ioapic);
	*out = ioapic;
	return 0;
}

int ax_ioapic_attach(AxIoapic *ioapic, AxVm *vm, AxGuestPhysAddr base, AxError *err)
{
	const struct ax_dev_window window = { AX_SPACE_MMIO, base, LENGTH, &ioapic_ops };

	return ax_dev_attach(&ioapic->link, vm, &window, 1, ioapic->lock, &ioapic_device_ops,
			     ioapic, err);
}

int ax_ioapic_detach(AxIoapic *ioapic, AxError *err)
{
	return ax_dev_detach(&ioapic->link, err);
}

void ax_ioapic_free(AxIoapic *ioapic)
{
	if (!ioapic)
		return;
	ax_lock_free(ioapic->lock);
	free(ioapic);
}
