// The CPU's registers of a message engine. Offsets and meanings: docs/contract.md.
//
// An access takes one cycle: a write has its effect, and read data is there, after the edge. A
// read of an offset without a register gives 0; a write there, or to a read-only one, does nothing.
// Disabling the engine clears the indices; a halt disables it.

`include "assertions.svh"

module register_file
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             halt_i,
  /// Fault point, for one cycle: bits of a register that the CPU can read and write are inverted,
  /// as an upset of its flip-flops would.
  input  logic             upset_i,
  input  logic [11:0]      upset_offset_i,
  input  logic [31:0]      upset_bits_i,
  input  logic [3:0]       node_i,
  /// The access.
  input  logic             valid_i,
  input  logic             write_i,
  input  logic [11:0]      offset_i,
  input  logic [31:0]      wdata_i,
  output logic [31:0]      rdata_o,
  /// To the engine: rings of events, of sending (by class), of receive slots (by bus).
  output switches_t        switches_o,
  output coalescing_reg_t  coalescing_o,
  output limits_t          limits_o,
  output path_limits_reg_t path_limits_o,
  output ring_t            events_o,
  output ring_t            send_o           [2],
  output ring_t            receive_o        [2],
  output window_post_t     window_post_o,
  /// From the engine.
  input  status_reg_t      status_i,
  input  index_t           event_tail_i,
  input  index_t           send_head_i      [2],
  input  index_t           receive_tail_i   [2],
  /// Paths, by bus: states, those that the CPU restores, and one in detail.
  input  nodes_t           path_suspect_i   [2],
  input  nodes_t           path_down_i      [2],
  output nodes_t           path_restore_o   [2],
  output logic [3:0]       path_index_o,
  input  path_x_reg_t      path_i           [2],
  /// By bus: counter pulses, and what its guardian catches.
  input  counts_t          counts_i         [2],
  input  offence_t [1:0]   offence_i,
  output logic             idle_o
);

  control_reg_t     control_q;
  coalescing_reg_t  coalescing_q;
  path_limits_reg_t path_limits_q;
  logic [15:0]      busy_limit_q, grant_timeout_q;
  ring_t            events_q, control_ring_q, data_ring_q, receive_x_q, receive_y_q;
  line_address_t    window_base_q;
  logic [19:0]      window_length_q;
  window_post_t     window_post_q;
  logic [31:0]      rdata_q;

  // ---- Writing ------------------------------------------------------------------------------

  logic write, is_window;
  assign write     = valid_i && write_i;
  assign is_window = offset_i[11:9] == RegWindowBase[11:9];

  function automatic control_reg_t control_of(input control_reg_t written);
    control_of            = written;
    control_of.reserved_8 = '0;
    control_of.reserved_2 = '0;
  endfunction

  /* verilator lint_off UNUSEDSIGNAL */  // reserved fields
  window_control_reg_t window;
  /* verilator lint_on UNUSEDSIGNAL */
  assign window = window_control_reg_t'(wdata_i);

  // An upset in the cycle of a write inverts what is written.
  logic [31:0] flip;
  assign flip = (upset_i && (upset_offset_i == offset_i)) ? upset_bits_i : '0;

  // A ring's size is a power of two; what is kept is size - 1.
  function automatic index_t mask_of(input logic [31:0] size);
    return index_t'(size - 32'd1);
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      control_q       <= '0;
      coalescing_q    <= '0;
      path_limits_q   <= ResetPathLimits;
      busy_limit_q    <= ResetBusyLimit[15:0];
      grant_timeout_q <= ResetGrantTimeout[15:0];
      events_q        <= '{base: '0, mask: mask_of(ResetEventSize), index: '0};
      control_ring_q  <= '{base: '0, mask: mask_of(ResetControlRingSize), index: '0};
      data_ring_q     <= '{base: '0, mask: mask_of(ResetDataRingSize), index: '0};
      receive_x_q     <= '{base: '0, mask: mask_of(ResetReceiveXSlots), index: '0};
      receive_y_q     <= '{base: '0, mask: mask_of(ResetReceiveYSlots), index: '0};
    end else begin
      if (write) begin
        unique case (offset_i)
          RegControl:         control_q            <= control_of(wdata_i ^ flip);
          RegCoalescing:      coalescing_q         <= wdata_i ^ flip;
          RegEventBase:       events_q.base        <= wdata_i[19:4] ^ flip[19:4];
          RegEventSize:       events_q.mask        <= mask_of(wdata_i) ^ flip[15:0];
          RegEventHead:       events_q.index       <= wdata_i[15:0] ^ flip[15:0];
          RegControlRingBase: control_ring_q.base  <= wdata_i[19:4] ^ flip[19:4];
          RegControlRingSize: control_ring_q.mask  <= mask_of(wdata_i) ^ flip[15:0];
          RegControlRingTail: control_ring_q.index <= wdata_i[15:0] ^ flip[15:0];
          RegDataRingBase:    data_ring_q.base     <= wdata_i[19:4] ^ flip[19:4];
          RegDataRingSize:    data_ring_q.mask     <= mask_of(wdata_i) ^ flip[15:0];
          RegDataRingTail:    data_ring_q.index    <= wdata_i[15:0] ^ flip[15:0];
          RegReceiveXBase:    receive_x_q.base     <= wdata_i[19:4] ^ flip[19:4];
          RegReceiveXSlots:   receive_x_q.mask     <= mask_of(wdata_i) ^ flip[15:0];
          RegReceiveXHead:    receive_x_q.index    <= wdata_i[15:0] ^ flip[15:0];
          RegReceiveYBase:    receive_y_q.base     <= wdata_i[19:4] ^ flip[19:4];
          RegReceiveYSlots:   receive_y_q.mask     <= mask_of(wdata_i) ^ flip[15:0];
          RegReceiveYHead:    receive_y_q.index    <= wdata_i[15:0] ^ flip[15:0];
          RegBusyLimit:       busy_limit_q         <= wdata_i[15:0] ^ flip[15:0];
          RegGrantTimeout:    grant_timeout_q      <= wdata_i[15:0] ^ flip[15:0];
          RegPathLimits:      path_limits_q        <= wdata_i ^ flip;
          default: ;
        endcase
      end
      if (upset_i && !(write && (upset_offset_i == offset_i))) begin
        unique case (upset_offset_i)
          RegControl:         control_q            <= control_of(control_q ^ upset_bits_i);
          RegCoalescing:      coalescing_q         <= coalescing_q ^ upset_bits_i;
          RegEventBase:       events_q.base        <= events_q.base ^ upset_bits_i[19:4];
          RegEventSize:       events_q.mask        <= events_q.mask ^ upset_bits_i[15:0];
          RegEventHead:       events_q.index       <= events_q.index ^ upset_bits_i[15:0];
          RegControlRingBase: control_ring_q.base  <= control_ring_q.base ^ upset_bits_i[19:4];
          RegControlRingSize: control_ring_q.mask  <= control_ring_q.mask ^ upset_bits_i[15:0];
          RegControlRingTail: control_ring_q.index <= control_ring_q.index ^ upset_bits_i[15:0];
          RegDataRingBase:    data_ring_q.base     <= data_ring_q.base ^ upset_bits_i[19:4];
          RegDataRingSize:    data_ring_q.mask     <= data_ring_q.mask ^ upset_bits_i[15:0];
          RegDataRingTail:    data_ring_q.index    <= data_ring_q.index ^ upset_bits_i[15:0];
          RegReceiveXBase:    receive_x_q.base     <= receive_x_q.base ^ upset_bits_i[19:4];
          RegReceiveXSlots:   receive_x_q.mask     <= receive_x_q.mask ^ upset_bits_i[15:0];
          RegReceiveXHead:    receive_x_q.index    <= receive_x_q.index ^ upset_bits_i[15:0];
          RegReceiveYBase:    receive_y_q.base     <= receive_y_q.base ^ upset_bits_i[19:4];
          RegReceiveYSlots:   receive_y_q.mask     <= receive_y_q.mask ^ upset_bits_i[15:0];
          RegReceiveYHead:    receive_y_q.index    <= receive_y_q.index ^ upset_bits_i[15:0];
          RegBusyLimit:       busy_limit_q         <= busy_limit_q ^ upset_bits_i[15:0];
          RegGrantTimeout:    grant_timeout_q      <= grant_timeout_q ^ upset_bits_i[15:0];
          RegPathLimits:      path_limits_q        <= path_limits_q ^ upset_bits_i;
          default: ;
        endcase
      end
      if (halt_i) control_q.enable <= 1'b0;
      if (!control_q.enable || halt_i) begin
        events_q.index       <= '0;
        control_ring_q.index <= '0;
        data_ring_q.index    <= '0;
        receive_x_q.index    <= '0;
        receive_y_q.index    <= '0;
      end
    end
  end

  // Base and length of a window wait here for its control.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      window_base_q   <= '0;
      window_length_q <= '0;
      window_post_q   <= '0;
    end else begin
      if (window_post_q.valid) window_post_q.valid <= 1'b0;
      if (write && is_window) begin
        unique case (offset_i[3:2])
          RegWindowBase[3:2]:   window_base_q   <= wdata_i[19:4];
          RegWindowLength[3:2]: window_length_q <= wdata_i[19:0];
          RegWindowControl[3:2]: begin
            window_post_q.valid <= 1'b1;
            window_post_q.index <= 8'(offset_i[8:4]);
            window_post_q.window <= '{
              generation: window.generation,
              peer:       window.peer,
              write:      window.write,
              read:       window.read,
              length:     window_length_q,
              base:       window_base_q
            };
          end
          default: ;
        endcase
      end
    end
  end

  always_comb begin
    for (int unsigned b = 0; b < 2; b++) path_restore_o[b] = '0;
    if (write) begin
      if (offset_i == RegPathDownX) path_restore_o[0] = wdata_i[MaxNodes-1:0];
      if (offset_i == RegPathDownY) path_restore_o[1] = wdata_i[MaxNodes-1:0];
    end
  end

  // ---- Counters: a block of registers for each bus, in the order of counts_t ------------------

  localparam int unsigned NumCounters = $bits(counts_t);

  logic [1:0]      counters_idle;
  logic [31:0]     counter      [2];
  guardian_x_reg_t guardian_log [2];

  for (genvar b = 0; b < 2; b++) begin : gen_bus
    counter_bank #(
      .Width(NumCounters)
    ) u_counters (
      .clk_i,
      .rst_ni,
      .count_i(counts_i[b]),
      .index_i(offset_i[5:2]),
      .value_o(counter[b]),
      .idle_o (counters_idle[b])
    );

    guardian_log u_guardian_log (
      .clk_i,
      .rst_ni,
      .offence_i(offence_i[b]),
      .log_o    (guardian_log[b])
    );
  end

  // ---- Reading ------------------------------------------------------------------------------

  register_read #(
    .NumNodes(NumNodes)
  ) u_read (
    .clk_i,
    .rst_ni,
    .read_i        (valid_i && !write_i),
    .offset_i,
    .rdata_o       (rdata_q),
    .node_i,
    .control_i     (control_q),
    .status_i,
    .coalescing_i  (coalescing_q),
    .events_i      (events_q),
    .event_tail_i,
    .send_i        (send_o),
    .send_head_i,
    .receive_i     (receive_o),
    .receive_tail_i,
    .busy_limit_i  (busy_limit_q),
    .grant_timeout_i(grant_timeout_q),
    .path_limits_i (path_limits_q),
    .path_suspect_i,
    .path_down_i,
    .path_i,
    .counter_i     (counter),
    .guardian_i    (guardian_log)
  );

  assign rdata_o       = rdata_q;
  assign switches_o = '{
    enable:           control_q.enable[0],
    interrupt_enable: control_q.interrupt_enable[0],
    epoch:            control_q.epoch
  };
  assign coalescing_o  = coalescing_q;
  assign path_limits_o = path_limits_q;
  assign events_o      = events_q;
  assign send_o        = '{data_ring_q, control_ring_q};
  assign receive_o     = '{receive_x_q, receive_y_q};
  assign window_post_o = window_post_q;
  assign path_index_o  = offset_i[5:2];
  assign idle_o        = (counters_idle == '1) && !window_post_q.valid;

  assign limits_o.busy        = (busy_limit_q == '0) ? 16'd1 : busy_limit_q;
  assign limits_o.grant_ticks = 9'((17'(grant_timeout_q) + 17'(TickCycles - 1)) / 17'(TickCycles));

endmodule
