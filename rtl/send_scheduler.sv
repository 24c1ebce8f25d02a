// Hands packets to the transmit lanes of the two buses.
//
//   control ring ──►┐                 ┌──► lane X
//   data ring ─────►┤                 │
//   bulk sender ───►├─► this module ──┤
//   read server ───►┘        │        └──► lane Y
//                            └──► event or fate: refused, unreachable
//
// A packet leaves when the lane of its bus is free, no earlier packet of one of its flows (class
// and destination) is still in a lane, and, if it is from a ring, the event ring has room for its
// completion. So a flow has one packet in flight, whatever the bus, and order holds. Control goes
// first, then the three sources of data in turn; what cannot leave does not hold up the others. The
// bus is chosen by send_route.
//
// Numbers. For each flow the number of the last packet that has arrived, or may have, is kept; the
// lanes report it. A packet to one destination gets the next one. So a number whose packet ended
// busy is given again: a packet never bears the number of the last one delivered, and is never
// taken for its duplicate. A packet to several gets a number of its own series that is not among
// the 1,024 up to the last of any of its flows: the next packets count on from it, and even if it
// never arrived, they do not meet the number before it.

`include "assertions.svh"

module send_scheduler
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic         clk_i,
  /// Low also while the engine is disabled.
  input  logic         rst_ni,
  /// This node's number and incarnation, for the header.
  input  logic [3:0]   node_i,
  input  logic [3:0]   epoch_i,
  /// Packets: 0 control ring, 1 data ring, 2 bulk sender, 3 read server. Those of the rings may be
  /// malformed: they only get an event.
  input  logic [3:0]   valid_i,
  input  offer_t       offer_i [4],
  input  logic [1:0]   refuse_i,
  output logic [3:0]   take_o,
  /// Paths that are suspect, or down, by bus.
  input  nodes_t       suspect_i [2],
  input  nodes_t       down_i    [2],
  /// Lanes, by bus: free, also for data; the flows that they hold; those that are done with, and
  /// their number; data packets parked beside them; and that one of control wants the lane.
  input  logic [1:0]   lane_ready_i,
  input  logic [1:0]   lane_data_ready_i,
  input  logic [1:0]   lane_active_i,
  input  nodes_t       lane_held_i    [2],
  input  logic [1:0]   lane_class_i,
  input  nodes_t       lane_settled_i [2],
  input  logic [15:0]  lane_number_i  [2],
  input  logic [1:0]   parked_i,
  input  nodes_t       parked_held_i  [2],
  output logic [1:0]   lane_wanted_o,
  output logic [1:0]   lane_valid_o,
  output job_t         job_o,
  /// The event ring has room; one entry of it is claimed.
  input  logic         room_i,
  output logic         claim_o,
  /// An event, or a fate, for a packet that no lane will see.
  output logic         event_valid_o,
  output event_entry_t event_o,
  input  logic         event_ready_i,
  output fate_t        fate_o,
  /// The next edge changes something without anything from outside the engine.
  output logic         busy_o,
  output logic         idle_o
);

  logic [1:0]   turn_q;    // data source that left last, 1 to 3
  logic         prefer_q;  // bus whose turn it is
  logic [15:0]  series_q;  // next number for a packet to several
  logic         event_valid_q;
  event_entry_t event_q;
  fate_t        fate_q;

  // ---- What each source could do ----------------------------------------------------------------

  logic [3:0]  free, unreachable, launch, reject;
  logic [1:0]  buses  [4];  // that it may take
  logic [15:0] number [4];  // if it has one destination

  logic [3:0]  offer_class;
  nodes_t      destinations [4];

  for (genvar s = 0; s < 4; s++) begin : gen_source
    assign offer_class[s]  = offer_i[s].traffic_class;
    assign destinations[s] = offer_i[s].destinations;

    logic flow_free;
    always_comb begin
      flow_free = valid_i[s];
      for (int unsigned b = 0; b < 2; b++) begin
        if (lane_active_i[b] && (lane_class_i[b] == offer_i[s].traffic_class) &&
            ((lane_held_i[b] & offer_i[s].destinations) != '0)) flow_free = 1'b0;
        if (parked_i[b] && !offer_i[s].traffic_class &&
            ((parked_held_i[b] & offer_i[s].destinations) != '0)) flow_free = 1'b0;
      end
    end
    assign free[s] = flow_free;

    send_route u_route (
      .valid_i       (valid_i[s]),
      .destinations_i(offer_i[s].destinations),
      .route_i       (offer_i[s].route),
      .trial_i       (number[s][3:0] == '0),
      .suspect_i,
      .down_i,
      .buses_o       (buses[s]),
      .unreachable_o (unreachable[s])
    );
  end

  // Beside a packet that is parked a lane takes none of data.
  logic [1:0] ready [4];
  for (genvar s = 0; s < 4; s++) begin : gen_ready
    assign ready[s] = (s == 0) ? lane_ready_i : lane_data_ready_i;
  end

  always_comb begin
    launch = '0;
    reject = '0;
    for (int unsigned s = 0; s < 4; s++) begin
      if (s < 2) begin
        if (valid_i[s] && room_i) begin
          if (refuse_i[s] || (free[s] && unreachable[s])) reject[s] = !event_valid_q;
          else launch[s] = free[s] && ((buses[s] & ready[s]) != '0);
        end
      end else begin
        if (unreachable[s]) reject[s] = free[s];
        else launch[s] = free[s] && ((buses[s] & ready[s]) != '0);
      end
    end
  end

  // ---- The choice ---------------------------------------------------------------------------

  logic [3:0] able;
  logic [1:0] chosen, lanes;
  assign able  = launch | reject;
  assign lanes = buses[chosen] & ready[chosen];
  always_comb begin
    unique case (turn_q)
      2'd1:    chosen = able[2] ? 2'd2 : able[3] ? 2'd3 : 2'd1;
      2'd2:    chosen = able[3] ? 2'd3 : able[1] ? 2'd1 : 2'd2;
      default: chosen = able[1] ? 2'd1 : able[2] ? 2'd2 : 2'd3;
    endcase
    if (able[0]) chosen = 2'd0;
  end

  offer_t offer;
  logic   several, clash, go, drop, bus;
  assign offer   = offer_i[chosen];
  assign several = (offer.destinations & (offer.destinations - nodes_t'(1))) != '0;
  assign go      = launch[chosen] && !clash;
  assign drop    = reject[chosen];
  assign bus     = (lanes == 2'b11) ? prefer_q : lanes[1];

  send_numbers #(
    .NumNodes(NumNodes)
  ) u_numbers (
    .clk_i,
    .rst_ni,
    .class_i             (lane_class_i),
    .settled_i           (lane_settled_i),
    .number_i            (lane_number_i),
    .valid_i,
    .offer_class_i       (offer_class),
    .destinations_i      (destinations),
    .number_o            (number),
    .check_i             (launch[chosen] && several),
    .check_class_i       (offer.traffic_class),
    .check_destinations_i(offer.destinations),
    .candidate_i         (series_q),
    .clash_o             (clash)
  );

  always_comb begin
    lane_valid_o = '0;
    take_o       = '0;
    job_o        = '0;
    if (go) begin
      lane_valid_o[bus]     = 1'b1;
      job_o.offer           = offer;
      job_o.sequence_number = several ? series_q : number[chosen];
      job_o.left            = offer.destinations;
    end
    if (go || drop) take_o[chosen] = 1'b1;
  end
  assign claim_o = (go || drop) && !chosen[1];

  packet_header_t header;
  always_comb begin
    header = '0;
    if (drop) header = header_of(offer, offer.destinations, node_i, epoch_i, '0);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      turn_q        <= 2'd3;
      prefer_q      <= 1'b0;
      series_q      <= '0;
      event_valid_q <= 1'b0;
      event_q       <= '0;
      fate_q        <= '0;
    end else begin
      if (go) prefer_q <= !bus;
      if ((go || drop) && (chosen != 2'd0)) turn_q <= chosen;
      if (go && several) series_q <= series_q + 16'd1;
      else if (clash) series_q <= series_q + 16'd1024;
      if (drop && !chosen[1]) begin
        event_valid_q      <= 1'b1;
        event_q            <= '0;
        event_q.event_type <= EventTypeSent;
        event_q.status     <= refuse_i[chosen[0]] ? SendStatusRefused : SendStatusUnreachable;
        event_q.missed     <= offer.destinations;
        event_q.cookie     <= offer.cookie;
        {event_q.header_1, event_q.header_0} <= header;
      end else if (event_valid_q && event_ready_i) begin
        event_valid_q <= 1'b0;
      end
      if (drop && chosen[1]) begin
        fate_q.valid  <= 1'b1;
        fate_q.origin <= offer.origin;
        fate_q.status <= SendStatusUnreachable;
        fate_q.header <= header;
      end else if (fate_q.valid) begin
        fate_q.valid <= 1'b0;
      end
    end
  end

  // A control packet finds no lane.
  assign lane_wanted_o = (room_i && free[0] && !refuse_i[0] && !unreachable[0] && !launch[0])
                       ? buses[0] : '0;

  assign event_valid_o = event_valid_q;
  assign event_o       = event_q;
  assign fate_o        = fate_q;
  assign busy_o        = go || drop || clash || event_valid_q || fate_q.valid;
  assign idle_o        = (valid_i == '0) && !event_valid_q && !fate_q.valid;

  logic same_flow;
  assign same_flow = (lane_class_i[0] == lane_class_i[1]) &&
                     ((lane_held_i[0] & lane_held_i[1]) != '0);

  // Rules.
  `XYBUS_RULE(OneLaneAtATime, $onehot0(lane_valid_o))
  `XYBUS_RULE(LaneWasReady, (lane_valid_o & ~lane_ready_i) == '0)
  `XYBUS_RULE(ClaimNeedsRoom, !claim_o || room_i)
  `XYBUS_RULE(TakeNeedsOffer, (take_o & ~valid_i) == '0)
  `XYBUS_RULE(FlowIsNeverInBothLanes, (lane_active_i != 2'b11) || !same_flow)
  `XYBUS_RULE(OfferHasDestinations, !go || (offer.destinations != '0))

endmodule
