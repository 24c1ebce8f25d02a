// Reading of a message engine's registers: the data is there after the edge of the access.

module register_read
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  /// The access.
  input  logic             read_i,
  input  logic [11:0]      offset_i,
  output logic [31:0]      rdata_o,
  /// What there is to read; by bus, or by traffic class, where there are two.
  input  logic [3:0]       node_i,
  input  control_reg_t     control_i,
  input  status_reg_t      status_i,
  input  coalescing_reg_t  coalescing_i,
  input  ring_t            events_i,
  input  index_t           event_tail_i,
  input  ring_t            send_i         [2],
  input  index_t           send_head_i    [2],
  input  ring_t            receive_i      [2],
  input  index_t           receive_tail_i [2],
  input  logic [15:0]      busy_limit_i,
  input  logic [15:0]      grant_timeout_i,
  input  path_limits_reg_t path_limits_i,
  input  nodes_t           path_suspect_i [2],
  input  nodes_t           path_down_i    [2],
  input  path_x_reg_t      path_i         [2],
  input  logic [31:0]      counter_i      [2],
  input  guardian_x_reg_t  guardian_i     [2]
);

  logic [31:0] rdata_q;

  function automatic logic [31:0] address_of(input line_address_t line);
    return {12'd0, line, 4'd0};
  endfunction

  function automatic logic [31:0] size_of(input index_t mask);
    return {16'd0, mask} + 32'd1;
  endfunction

  // Two bits a destination.
  function automatic logic [31:0] states(input nodes_t suspect, input nodes_t down);
    for (int unsigned i = 0; i < MaxNodes; i++) begin
      states[2*i+:2] = down[i] ? PathStateDown : suspect[i] ? PathStateSuspect : PathStateUp;
    end
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
    end else if (read_i) begin
      unique case (offset_i)
        RegId:              rdata_q <= id;
        RegControl:         rdata_q <= control_i;
        RegStatus:          rdata_q <= status_i;
        RegCoalescing:      rdata_q <= coalescing_i;
        RegEventBase:       rdata_q <= address_of(events_i.base);
        RegEventSize:       rdata_q <= size_of(events_i.mask);
        RegEventHead:       rdata_q <= {16'd0, events_i.index};
        RegEventTail:       rdata_q <= {16'd0, event_tail_i};
        RegControlRingBase: rdata_q <= address_of(send_i[1].base);
        RegControlRingSize: rdata_q <= size_of(send_i[1].mask);
        RegControlRingTail: rdata_q <= {16'd0, send_i[1].index};
        RegControlRingHead: rdata_q <= {16'd0, send_head_i[1]};
        RegDataRingBase:    rdata_q <= address_of(send_i[0].base);
        RegDataRingSize:    rdata_q <= size_of(send_i[0].mask);
        RegDataRingTail:    rdata_q <= {16'd0, send_i[0].index};
        RegDataRingHead:    rdata_q <= {16'd0, send_head_i[0]};
        RegReceiveXBase:    rdata_q <= address_of(receive_i[0].base);
        RegReceiveXSlots:   rdata_q <= size_of(receive_i[0].mask);
        RegReceiveXHead:    rdata_q <= {16'd0, receive_i[0].index};
        RegReceiveXTail:    rdata_q <= {16'd0, receive_tail_i[0]};
        RegReceiveYBase:    rdata_q <= address_of(receive_i[1].base);
        RegReceiveYSlots:   rdata_q <= size_of(receive_i[1].mask);
        RegReceiveYHead:    rdata_q <= {16'd0, receive_i[1].index};
        RegReceiveYTail:    rdata_q <= {16'd0, receive_tail_i[1]};
        RegPathDownX:       rdata_q <= 32'(path_down_i[0]);
        RegPathDownY:       rdata_q <= 32'(path_down_i[1]);
        RegPathStateX:      rdata_q <= states(path_suspect_i[0], path_down_i[0]);
        RegPathStateY:      rdata_q <= states(path_suspect_i[1], path_down_i[1]);
        RegBusyLimit:       rdata_q <= {16'd0, busy_limit_i};
        RegGrantTimeout:    rdata_q <= {16'd0, grant_timeout_i};
        RegPathLimits:      rdata_q <= path_limits_i;
        RegGuardianX:       rdata_q <= guardian_i[0];
        RegGuardianY:       rdata_q <= guardian_i[1];
        default: begin
          unique case (offset_i[11:6])
            RegSentX[11:6]: rdata_q <= counter_i[0];
            RegSentY[11:6]: rdata_q <= counter_i[1];
            RegPathX[11:6]: rdata_q <= path_i[0];
            RegPathY[11:6]: rdata_q <= path_i[1];
            default:        rdata_q <= '0;
          endcase
        end
      endcase
    end
  end

  assign rdata_o = rdata_q;

  // The order of counts_t and of the counter registers is one.
  localparam int unsigned NumCounters = $bits(counts_t);
  localparam logic [1:0][NumCounters-1:0][11:0] Order = {
    RegBrokenOffY, RegViolationY, RegMalformedY, RegRefusedY, RegCrcErrorY, RegDuplicateY,
    RegServedY, RegStoredY, RegReceivedY, RegMovedY, RegDeniedY, RegNoAnswerY, RegCorruptY,
    RegBusyY, RegAcceptedY, RegSentY,
    RegBrokenOffX, RegViolationX, RegMalformedX, RegRefusedX, RegCrcErrorX, RegDuplicateX,
    RegServedX, RegStoredX, RegReceivedX, RegMovedX, RegDeniedX, RegNoAnswerX, RegCorruptX,
    RegBusyX, RegAcceptedX, RegSentX
  };
  for (genvar b = 0; b < 2; b++) begin : gen_order
    for (genvar i = 0; i < NumCounters; i++) begin : gen_check
      if (Order[b][i] != RegSentX + 12'(64 * b + 4 * i)) $error("counter registers out of order");
    end
  end

endmodule
