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
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                halt_i,
  input  logic [3:0]          node_i,
  /// The access.
  input  logic                valid_i,
  input  logic                write_i,
  input  logic [11:0]         offset_i,
  input  logic [31:0]         wdata_i,
  output logic [31:0]         rdata_o,
  /// To the engine: rings of events, of sending (by class), of receive slots (by bus).
  output switches_t           switches_o,
  output limits_t             limits_o,
  output ring_t               events_o,
  output ring_t               send_o         [2],
  output ring_t               receive_o      [2],
  /// From the engine.
  input  index_t              event_tail_i,
  input  index_t              send_head_i    [2],
  input  index_t              receive_tail_i [2],
  input  logic [NumNodes-1:0] path_down_i    [2],
  output logic [NumNodes-1:0] path_raise_o   [2],
  input  counts_t             counts_i       [2],
  output logic                idle_o
);

  switches_t   switches_q;
  limits_t     limits_q;
  ring_t       events_q, send_q [2], receive_q [2];
  logic [31:0] rdata_q;

  // A ring's size is a power of two; what is kept is size - 1.
  function automatic index_t mask_of(input logic [31:0] size);
    return index_t'(size - 32'd1);
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      switches_q         <= '0;
      limits_q.busy      <= ResetRetryLimits[15:0];
      limits_q.no_answer <= ResetRetryLimits[23:16];
      limits_q.corrupt   <= ResetRetryLimits[31:24];
      limits_q.grant     <= ResetGrantTimeout[15:0];
      events_q           <= '0;
      for (int unsigned i = 0; i < 2; i++) begin
        send_q[i]    <= '0;
        receive_q[i] <= '0;
      end
      events_q.mask     <= mask_of(ResetEventSize);
      send_q[1].mask    <= mask_of(ResetControlRingSize);
      send_q[0].mask    <= mask_of(ResetDataRingSize);
      receive_q[0].mask <= mask_of(ResetReceiveXSlots);
      receive_q[1].mask <= mask_of(ResetReceiveYSlots);
    end else begin
      if (valid_i && write_i) begin
        unique case (offset_i)
          RegControl:         switches_q <= '{
              enable: wdata_i[0],
              interrupt_enable: wdata_i[1],
              epoch: wdata_i[7:4]
          };
          RegEventBase:       events_q.base      <= wdata_i[19:4];
          RegEventSize:       events_q.mask      <= mask_of(wdata_i);
          RegEventHead:       events_q.index     <= wdata_i[15:0];
          RegControlRingBase: send_q[1].base     <= wdata_i[19:4];
          RegControlRingSize: send_q[1].mask     <= mask_of(wdata_i);
          RegControlRingTail: send_q[1].index    <= wdata_i[15:0];
          RegDataRingBase:    send_q[0].base     <= wdata_i[19:4];
          RegDataRingSize:    send_q[0].mask     <= mask_of(wdata_i);
          RegDataRingTail:    send_q[0].index    <= wdata_i[15:0];
          RegReceiveXBase:    receive_q[0].base  <= wdata_i[19:4];
          RegReceiveXSlots:   receive_q[0].mask  <= mask_of(wdata_i);
          RegReceiveXHead:    receive_q[0].index <= wdata_i[15:0];
          RegReceiveYBase:    receive_q[1].base  <= wdata_i[19:4];
          RegReceiveYSlots:   receive_q[1].mask  <= mask_of(wdata_i);
          RegReceiveYHead:    receive_q[1].index <= wdata_i[15:0];
          RegRetryLimits: begin
            limits_q.busy      <= wdata_i[15:0];
            limits_q.no_answer <= wdata_i[23:16];
            limits_q.corrupt   <= wdata_i[31:24];
          end
          RegGrantTimeout:    limits_q.grant <= wdata_i[15:0];
          default: ;
        endcase
      end
      if (halt_i) switches_q.enable <= 1'b0;
      if (!switches_q.enable || halt_i) begin
        events_q.index <= '0;
        for (int unsigned i = 0; i < 2; i++) begin
          send_q[i].index    <= '0;
          receive_q[i].index <= '0;
        end
      end
    end
  end

  always_comb begin
    for (int unsigned b = 0; b < 2; b++) path_raise_o[b] = '0;
    if (valid_i && write_i) begin
      if (offset_i == RegPathDownX) path_raise_o[0] = wdata_i[NumNodes-1:0];
      if (offset_i == RegPathDownY) path_raise_o[1] = wdata_i[NumNodes-1:0];
    end
  end

  // Counters: a block of registers for each bus, in the order of counts_t.
  localparam int unsigned NumCounters = $bits(counts_t);

  logic        is_counter;
  logic [1:0]  counters_idle;
  logic [31:0] counter [2];
  assign is_counter = (offset_i[11:7] == RegSentX[11:7]) && (offset_i[5:2] < 4'(NumCounters));

  for (genvar b = 0; b < 2; b++) begin : gen_counters
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
  end

  function automatic logic [31:0] address_of(input line_address_t line);
    return {12'd0, line, 4'd0};
  endfunction

  function automatic logic [31:0] size_of(input index_t mask);
    return {16'd0, mask} + 32'd1;
  endfunction

  id_reg_t id;
  always_comb begin
    id         = '0;
    id.node    = node_i;
    id.nodes   = 5'(NumNodes);
    id.version = 8'(Version);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rdata_q <= '0;
    end else if (valid_i && !write_i) begin
      unique case (offset_i)
        RegId:              rdata_q <= id;
        RegControl:         rdata_q <= {24'd0, switches_q.epoch, 2'd0, switches_q.interrupt_enable,
                                        switches_q.enable};
        RegEventBase:       rdata_q <= address_of(events_q.base);
        RegEventSize:       rdata_q <= size_of(events_q.mask);
        RegEventHead:       rdata_q <= {16'd0, events_q.index};
        RegEventTail:       rdata_q <= {16'd0, event_tail_i};
        RegControlRingBase: rdata_q <= address_of(send_q[1].base);
        RegControlRingSize: rdata_q <= size_of(send_q[1].mask);
        RegControlRingTail: rdata_q <= {16'd0, send_q[1].index};
        RegControlRingHead: rdata_q <= {16'd0, send_head_i[1]};
        RegDataRingBase:    rdata_q <= address_of(send_q[0].base);
        RegDataRingSize:    rdata_q <= size_of(send_q[0].mask);
        RegDataRingTail:    rdata_q <= {16'd0, send_q[0].index};
        RegDataRingHead:    rdata_q <= {16'd0, send_head_i[0]};
        RegReceiveXBase:    rdata_q <= address_of(receive_q[0].base);
        RegReceiveXSlots:   rdata_q <= size_of(receive_q[0].mask);
        RegReceiveXHead:    rdata_q <= {16'd0, receive_q[0].index};
        RegReceiveXTail:    rdata_q <= {16'd0, receive_tail_i[0]};
        RegReceiveYBase:    rdata_q <= address_of(receive_q[1].base);
        RegReceiveYSlots:   rdata_q <= size_of(receive_q[1].mask);
        RegReceiveYHead:    rdata_q <= {16'd0, receive_q[1].index};
        RegReceiveYTail:    rdata_q <= {16'd0, receive_tail_i[1]};
        RegPathDownX:       rdata_q <= 32'(path_down_i[0]);
        RegPathDownY:       rdata_q <= 32'(path_down_i[1]);
        RegRetryLimits:     rdata_q <= {limits_q.corrupt, limits_q.no_answer,
                                        limits_q.busy};
        RegGrantTimeout:    rdata_q <= {16'd0, limits_q.grant};
        default:            rdata_q <= is_counter ? counter[offset_i[6]] : '0;
      endcase
    end
  end

  assign rdata_o    = rdata_q;
  assign switches_o = switches_q;
  assign limits_o   = limits_q;
  assign events_o   = events_q;
  assign send_o     = send_q;
  assign receive_o  = receive_q;
  assign idle_o     = counters_idle == '1;

  // The order of counts_t and of the registers is one.
  localparam logic [1:0][NumCounters-1:0][11:0] Order = {
    RegMalformedY, RegRefusedY, RegCrcErrorY, RegDuplicateY, RegReceivedY, RegNoAnswerY,
    RegCorruptY, RegBusyY, RegAcceptedY, RegSentY,
    RegMalformedX, RegRefusedX, RegCrcErrorX, RegDuplicateX, RegReceivedX, RegNoAnswerX,
    RegCorruptX, RegBusyX, RegAcceptedX, RegSentX
  };
  for (genvar b = 0; b < 2; b++) begin : gen_order
    for (genvar i = 0; i < NumCounters; i++) begin : gen_check
      if (Order[b][i] != RegSentX + 12'(64 * b + 4 * i)) $error("counter registers out of order");
    end
  end

endmodule
