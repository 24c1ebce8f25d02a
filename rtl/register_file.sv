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
  /// To and from the engine.
  output settings_t           settings_o,
  input  status_t             status_i,
  input  logic [NumNodes-1:0] path_down_i  [2],
  output logic [NumNodes-1:0] path_raise_o [2],
  input  counts_t             counts_i     [2]
);

  localparam int unsigned NumCounters = $bits(counts_t);

  settings_t   settings_q;
  logic [31:0] counter_q [2*NumCounters];
  logic [31:0] rdata_q;

  // A ring's size is a power of two; what is kept is size - 1.
  function automatic index_t mask_of(input logic [31:0] size);
    return index_t'(size - 32'd1);
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      settings_q             <= '0;
      settings_q.limits.busy <= ResetRetryLimits[15:0];
      settings_q.limits.no_answer <= ResetRetryLimits[23:16];
      settings_q.limits.corrupt   <= ResetRetryLimits[31:24];
      settings_q.limits.grant     <= ResetGrantTimeout[15:0];
    end else begin
      if (valid_i && write_i) begin
        unique case (offset_i)
          RegControl: begin
            settings_q.enable           <= wdata_i[0];
            settings_q.interrupt_enable <= wdata_i[1];
            settings_q.epoch            <= wdata_i[7:4];
          end
          RegEventBase:       settings_q.events.base     <= wdata_i[19:4];
          RegEventSize:       settings_q.events.mask     <= mask_of(wdata_i);
          RegEventHead:       settings_q.events.index    <= wdata_i[15:0];
          RegControlRingBase: settings_q.send[1].base    <= wdata_i[19:4];
          RegControlRingSize: settings_q.send[1].mask    <= mask_of(wdata_i);
          RegControlRingTail: settings_q.send[1].index   <= wdata_i[15:0];
          RegDataRingBase:    settings_q.send[0].base    <= wdata_i[19:4];
          RegDataRingSize:    settings_q.send[0].mask    <= mask_of(wdata_i);
          RegDataRingTail:    settings_q.send[0].index   <= wdata_i[15:0];
          RegReceiveXBase:    settings_q.receive[0].base <= wdata_i[19:4];
          RegReceiveXSlots:   settings_q.receive[0].mask <= mask_of(wdata_i);
          RegReceiveXHead:    settings_q.receive[0].index <= wdata_i[15:0];
          RegReceiveYBase:    settings_q.receive[1].base <= wdata_i[19:4];
          RegReceiveYSlots:   settings_q.receive[1].mask <= mask_of(wdata_i);
          RegReceiveYHead:    settings_q.receive[1].index <= wdata_i[15:0];
          RegRetryLimits: begin
            settings_q.limits.busy      <= wdata_i[15:0];
            settings_q.limits.no_answer <= wdata_i[23:16];
            settings_q.limits.corrupt   <= wdata_i[31:24];
          end
          RegGrantTimeout: settings_q.limits.grant <= wdata_i[15:0];
          default: ;
        endcase
      end
      if (halt_i) settings_q.enable <= 1'b0;
      if (!settings_q.enable || halt_i) begin
        settings_q.events.index <= '0;
        for (int unsigned i = 0; i < 2; i++) begin
          settings_q.send[i].index    <= '0;
          settings_q.receive[i].index <= '0;
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

  // Counters lie in the order of counts_t, a block for each bus.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned i = 0; i < 2 * NumCounters; i++) counter_q[i] <= '0;
    end else begin
      for (int unsigned b = 0; b < 2; b++) begin
        if (counts_i[b] != '0) begin
          for (int unsigned i = 0; i < NumCounters; i++) begin
            if (counts_i[b][i]) counter_q[b*NumCounters+i] <= counter_q[b*NumCounters+i] + 32'd1;
          end
        end
      end
    end
  end

  logic is_counter;
  logic [4:0] counter;
  assign is_counter = (offset_i[11:7] == RegSentX[11:7]) && (offset_i[5:2] < 4'(NumCounters));
  assign counter    = 5'(offset_i[5:2]) + (offset_i[6] ? 5'(NumCounters) : 5'd0);

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
        RegControl:         rdata_q <= {24'd0, settings_q.epoch, 2'd0, settings_q.interrupt_enable,
                                        settings_q.enable};
        RegEventBase:       rdata_q <= address_of(settings_q.events.base);
        RegEventSize:       rdata_q <= size_of(settings_q.events.mask);
        RegEventHead:       rdata_q <= {16'd0, settings_q.events.index};
        RegEventTail:       rdata_q <= {16'd0, status_i.event_tail};
        RegControlRingBase: rdata_q <= address_of(settings_q.send[1].base);
        RegControlRingSize: rdata_q <= size_of(settings_q.send[1].mask);
        RegControlRingTail: rdata_q <= {16'd0, settings_q.send[1].index};
        RegControlRingHead: rdata_q <= {16'd0, status_i.send_head[1]};
        RegDataRingBase:    rdata_q <= address_of(settings_q.send[0].base);
        RegDataRingSize:    rdata_q <= size_of(settings_q.send[0].mask);
        RegDataRingTail:    rdata_q <= {16'd0, settings_q.send[0].index};
        RegDataRingHead:    rdata_q <= {16'd0, status_i.send_head[0]};
        RegReceiveXBase:    rdata_q <= address_of(settings_q.receive[0].base);
        RegReceiveXSlots:   rdata_q <= size_of(settings_q.receive[0].mask);
        RegReceiveXHead:    rdata_q <= {16'd0, settings_q.receive[0].index};
        RegReceiveXTail:    rdata_q <= {16'd0, status_i.receive_tail[0]};
        RegReceiveYBase:    rdata_q <= address_of(settings_q.receive[1].base);
        RegReceiveYSlots:   rdata_q <= size_of(settings_q.receive[1].mask);
        RegReceiveYHead:    rdata_q <= {16'd0, settings_q.receive[1].index};
        RegReceiveYTail:    rdata_q <= {16'd0, status_i.receive_tail[1]};
        RegPathDownX:       rdata_q <= 32'(path_down_i[0]);
        RegPathDownY:       rdata_q <= 32'(path_down_i[1]);
        RegRetryLimits:     rdata_q <= {settings_q.limits.corrupt, settings_q.limits.no_answer,
                                        settings_q.limits.busy};
        RegGrantTimeout:    rdata_q <= {16'd0, settings_q.limits.grant};
        default:            rdata_q <= is_counter ? counter_q[counter] : '0;
      endcase
    end
  end

  assign rdata_o    = rdata_q;
  assign settings_o = settings_q;

  // The order of counts_t and of the registers is one.
  if (RegMalformedX != RegSentX + 12'(4 * (NumCounters - 1))) $error("counts_t and registers differ");
  if (RegSentY != RegSentX + 12'h040) $error("counters of bus Y are not 0x40 after those of bus X");

endmodule
