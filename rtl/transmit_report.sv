// Transmit report: tells whoever posted a packet how it ended.
//
// A packet from a ring gets an event, which waits here until it is taken; the next such packet
// cannot end before. The fate of any other packet is told at once, for one cycle.

`include "assertions.svh"

module transmit_report
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// The bus of this lane.
  parameter bus_id_e Bus = BusIdX
) (
  input  logic           clk_i,
  input  logic           rst_ni,
  /// The packet has ended; in this cycle, or before.
  input  logic           ends_i,
  input  logic           waits_i,
  /// How, and which it is: with the destinations first asked for in its header.
  input  send_status_e   status_i,
  input  nodes_t         missed_i,
  input  origin_e        origin_i,
  input  logic [31:0]    cookie_i,
  input  packet_header_t header_i,
  /// There is place for it.
  output logic           ready_o,
  output logic           event_valid_o,
  output event_entry_t   event_o,
  input  logic           event_ready_i,
  output fate_t          fate_o
);

  logic         event_valid_q, takes;
  event_entry_t event_q;

  assign ready_o = !event_valid_q || event_ready_i || (origin_i != OriginRing);
  assign takes   = (ends_i || waits_i) && ready_o && (origin_i == OriginRing);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      event_valid_q <= 1'b0;
      event_q       <= '0;
    end else if (takes) begin
      event_valid_q      <= 1'b1;
      event_q            <= '0;
      event_q.event_type <= EventTypeSent;
      event_q.bus        <= Bus;
      event_q.status     <= status_i;
      event_q.missed     <= missed_i;
      event_q.cookie     <= cookie_i;
      {event_q.header_1, event_q.header_0} <= header_i;
    end else if (event_valid_q && event_ready_i) begin
      event_valid_q <= 1'b0;
    end
  end

  always_comb begin
    fate_o = '0;
    if (ends_i && (origin_i != OriginRing)) begin
      fate_o.valid  = 1'b1;
      fate_o.origin = origin_i;
      fate_o.status = status_i;
      fate_o.bus    = Bus;
      fate_o.header = header_i;
    end
  end

  assign event_valid_o = event_valid_q;
  assign event_o       = event_q;

  // Rules.
  `XYBUS_RULE(EventIsNotLost, !takes || !event_valid_q || event_ready_i)

endmodule
