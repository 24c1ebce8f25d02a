// Cuts a transfer into packets and offers them to the send scheduler, one at a time, in order.
//
//   start ──► Ask ──leave──► Offer ──take──► Ask ... ──last──► Drain ──all accepted──► Done
//              └──denied──────────────────────────────────────► ▲                       ▲
//             any: a packet was not accepted ───────────────────────────────────────────┘
//
// The next packet is offered while the last one is in flight; the scheduler holds it, since both
// are of one flow. What the module needs of its surroundings:
// * After a take the offer is not valid for at least one cycle. The fate of a packet that no lane
//   ever sees (unreachable at once) comes in the cycle of its take, or in the next.
// * The fate of a packet that was not accepted comes while the next one cannot be taken yet: in a
//   cycle without a take. From the next cycle on there is no offer, so the packets after a failure
//   are never sent.
// * The fate ok may come in any cycle up to the next packet's fate, also after its take.
// Each packet taken has one fate. Only those of this origin count.

`include "assertions.svh"

module segmenter
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Whose packets these are.
  parameter origin_e Origin = OriginWrite
) (
  input  logic           clk_i,
  /// Low also while the engine is disabled.
  input  logic           rst_ni,
  /// Begins a transfer, in a cycle in which the last is over. The other inputs of this group must
  /// keep their values to the end.
  input  logic           start_i,
  input  route_e         route_i,
  input  packet_kind_e   kind_i,
  input  nodes_t         destinations_i,
  /// Bytes in all, at least 1.
  input  logic [19:0]    length_i,
  /// Place of the first packet in the far window; the next is 16 lines further.
  input  window_word_t   window_i,
  /// Whether the last packet has the notify bit.
  input  logic           notify_i,
  input  read_request_t  request_i,
  /// Asks for leave to send the packet at hand: so many bytes, so many lines from the start.
  output logic           ask_o,
  output logic [8:0]     length_o,
  output line_address_t  lines_o,
  /// Leave is given, or denied: then the transfer ends with the packets before this one.
  input  logic           leave_i,
  input  logic           deny_i,
  /// Where the packet at hand lies in node RAM. From the cycle after leave until its take.
  input  line_address_t  address_i,
  /// To the send scheduler.
  output logic           valid_o,
  output offer_t         offer_o,
  input  logic           take_i,
  /// Fates of packets of all origins: from lane X, from lane Y, from the scheduler.
  input  fate_t          fate_i [3],
  /// The transfer is over, for one cycle; the rest of this group is valid in that cycle.
  output logic           done_o,
  /// Ok, or the fate of the packet that failed, or denied.
  output send_status_e   status_o,
  /// It ended because leave was denied; all packets before were accepted.
  output logic           denied_o,
  /// Of the last packet that has had its fate.
  output logic           bus_o,
  output packet_header_t header_o,
  /// The next edge changes something, without anything from outside the engine.
  output logic           busy_o
);

  typedef enum logic [2:0] {
    Idle,
    Ask,    // the packet at hand waits for leave
    Offer,  // it waits for the scheduler
    Drain,  // the last packet is on its way
    Done
  } state_e;

  state_e         state_q;
  logic [19:0]    left_q;      // bytes not yet taken
  logic [11:0]    packets_q;   // packets taken
  logic [1:0]     in_flight_q; // packets without a fate
  send_status_e   status_q;
  logic           denied_q, bus_q;
  packet_header_t header_q;

  /* verilator lint_off UNUSEDSIGNAL */  // its origin
  fate_t fate;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [1:0] settled;  // packets that have their fate in this cycle
  logic       failed;
  always_comb begin
    fate    = '0;
    settled = '0;
    failed  = 1'b0;
    for (int unsigned i = 0; i < 3; i++) begin
      if (fate_i[i].valid && (fate_i[i].origin == Origin)) begin
        settled = settled + 2'd1;
        if (!failed) fate = fate_i[i];
        failed = fate.status != SendStatusOk;
      end
    end
  end

  logic last, last_settled;
  assign last         = left_q <= 20'(MaxPayloadBytes);
  assign last_settled = in_flight_q == settled;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q     <= Idle;
      in_flight_q <= '0;
    end else begin
      if (take_i || fate.valid) in_flight_q <= in_flight_q + 2'(take_i) - settled;
      unique case (state_q)
        Idle: begin
          if (start_i) begin
            state_q   <= Ask;
            left_q    <= length_i;
            packets_q <= '0;
            status_q  <= SendStatusOk;
            denied_q  <= 1'b0;
          end
        end
        Ask: begin
          if (leave_i) state_q <= Offer;
          if (deny_i) begin
            state_q  <= Drain;
            status_q <= SendStatusDenied;
            denied_q <= 1'b1;
          end
        end
        Offer: begin
          if (take_i) begin
            state_q   <= last ? Drain : Ask;
            left_q    <= left_q - 20'(length_o);
            packets_q <= packets_q + 12'd1;
          end
        end
        Drain: begin
          if (last_settled) state_q <= Done;
        end
        default: state_q <= Idle;
      endcase
      if (fate.valid) begin
        bus_q    <= fate.bus;
        header_q <= fate.header;
      end
      if (failed) begin
        state_q  <= Done;
        status_q <= fate.status;
        denied_q <= 1'b0;
      end
    end
  end

  always_comb begin
    offer_o               = '0;
    offer_o.origin        = Origin;
    offer_o.route         = route_i;
    offer_o.traffic_class = TrafficClassData;
    offer_o.kind          = kind_i;
    offer_o.notify        = notify_i && last;
    offer_o.destinations  = destinations_i;
    offer_o.length        = length_o;
    offer_o.address       = address_i;
    offer_o.window        = window_i;
    offer_o.window.offset = window_i.offset + lines_o;
    offer_o.request       = request_i;
  end

  assign ask_o    = state_q == Ask;
  assign length_o = last ? left_q[8:0] : 9'(MaxPayloadBytes);
  assign lines_o  = {packets_q, 4'd0};
  assign valid_o  = state_q == Offer;
  assign done_o   = state_q == Done;
  assign status_o = status_q;
  assign denied_o = denied_q;
  assign bus_o    = bus_q;
  assign header_o = header_q;
  assign busy_o   = start_i || ask_o || done_o || take_i || fate.valid ||
                    ((state_q == Drain) && last_settled);

  // Rules.
  `XYBUS_RULE(StartNeedsIdle, !start_i || (state_q == Idle))
  `XYBUS_RULE(TakeNeedsOffer, !take_i || valid_o)
  `XYBUS_RULE(FateNeedsPacket, 2'(take_i) + in_flight_q >= settled)
  `XYBUS_RULE(FailureIsLast, !failed || (2'(take_i) + in_flight_q == settled))
  `XYBUS_RULE(AtMostTwoInFlight, !take_i || (in_flight_q <= 2'd1))
  `XYBUS_RULE(PacketHasBytes, !valid_o || ((length_o != '0) && (length_o <= 9'(MaxPayloadBytes))))
  `XYBUS_RULE(NotifyIsLast, !(valid_o && offer_o.notify) || (20'(length_o) == left_q))

endmodule
