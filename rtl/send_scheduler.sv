// Hands posted packets to the transmit lanes of the two buses.
//
//   control ring ──►┐                 ┌──► lane X
//                   ├─► this module ──┤
//   data ring ─────►┘        │        └──► lane Y
//                            └──► event: refused, unreachable
//
// A packet leaves when its path on some bus is up, the lane of that bus is free, no earlier packet
// of the same flow (destination and class) is still in a lane, and the event ring has room for
// its completion. So a flow has one packet in flight, whatever the bus, and order holds. Control
// goes before data; a class that cannot leave does not hold up the other. With both buses fit, they
// take turns.
//
// Each packet gets the next sequence number of its flow here; retries and a change of bus keep it.
// A number whose packet ended busy is given again: else, after 65,535 such packets, the next would
// bear the number of the last one delivered and be taken for its duplicate.

`include "assertions.svh"

module send_scheduler
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4
) (
  input  logic                clk_i,
  /// Low also while the engine is disabled.
  input  logic                rst_ni,
  /// This node's number and incarnation, for the header.
  input  logic [3:0]          node_i,
  input  logic [3:0]          epoch_i,
  /// Front of each ring, by traffic class: 0 data, 1 control.
  input  logic [1:0]          valid_i,
  input  send_descriptor_t    descriptor_i  [2],
  input  logic [1:0]          well_formed_i,
  input  logic [3:0]          destination_i [2],
  output logic [1:0]          take_o,
  /// Paths that are down, by bus.
  input  logic [NumNodes-1:0] path_down_i   [2],
  /// Lanes, by bus: free, and the flow that they hold.
  input  logic [1:0]          lane_ready_i,
  input  logic [1:0]          lane_active_i,
  input  logic [3:0]          lane_destination_i [2],
  input  logic [1:0]          lane_class_i,
  input  logic [1:0]          lane_gave_up_i,
  output logic [1:0]          lane_valid_o,
  output job_t                job_o,
  /// The event ring has room; one entry of it is claimed.
  input  logic                room_i,
  output logic                claim_o,
  /// An event for a packet that no lane will see.
  output logic                event_valid_o,
  output event_entry_t        event_o,
  input  logic                event_ready_i,
  output logic                idle_o
);

  logic [15:0] sequence_q [2*MaxNodes];   // last number, by class and destination
  logic [2*MaxNodes-1:0] started_q;      // flows that have one
  logic       prefer_q;                  // bus whose turn it is
  logic       event_valid_q;
  event_entry_t event_q;

  // What each class could do in this cycle.
  logic [1:0] launch, reject;
  logic [1:0] lanes [2];  // by class: the buses it could take

  logic [1:0] down, flow_in_lane;  // of the class at hand, by bus
  always_comb begin
    for (int unsigned c = 0; c < 2; c++) begin
      launch[c] = 1'b0;
      reject[c] = 1'b0;
      lanes[c]  = '0;
      down         = '0;
      flow_in_lane = '0;
      if (valid_i[c] && room_i) begin
        for (int unsigned b = 0; b < 2; b++) begin
          down[b]         = path_down_i[b][destination_i[c][$clog2(NumNodes)-1:0]];
          flow_in_lane[b] = lane_active_i[b] && (lane_destination_i[b] == destination_i[c]) &&
                            (lane_class_i[b] == c[0]);
        end
        if (!well_formed_i[c] || ((down == 2'b11) && (flow_in_lane == '0))) begin
          reject[c] = !event_valid_q;
        end else if (flow_in_lane == '0) begin
          lanes[c]  = lane_ready_i & ~down;
          launch[c] = lanes[c] != '0;
        end
      end
    end
  end

  // Control first.
  logic chosen, go, drop;
  assign chosen = launch[1] || reject[1];
  assign go     = launch[chosen];
  assign drop   = reject[chosen];

  logic bus;
  assign bus = (lanes[chosen] == 2'b11) ? prefer_q : lanes[chosen][1];

  logic [4:0] flow, lane_flow [2];
  logic [15:0] sequence_number;
  assign flow            = {chosen, destination_i[chosen]};
  assign lane_flow[0]    = {lane_class_i[0], lane_destination_i[0]};
  assign lane_flow[1]    = {lane_class_i[1], lane_destination_i[1]};
  assign sequence_number = started_q[flow] ? sequence_q[flow] + 16'd1 : 16'd0;

  always_comb begin
    job_o              = '0;
    job_o.cookie       = descriptor_i[chosen].cookie;
    job_o.address      = descriptor_i[chosen].address[19:4];
    job_o.destination  = destination_i[chosen];
    job_o.header.dst_mask        = descriptor_i[chosen].dst_mask;
    job_o.header.source          = node_i;
    job_o.header.kind            = descriptor_i[chosen].kind;
    job_o.header.traffic_class   = chosen;
    job_o.header.length          = descriptor_i[chosen].length;
    job_o.header.sequence_number = sequence_number;
    job_o.header.epoch           = epoch_i;
  end

  always_comb begin
    lane_valid_o = '0;
    take_o       = '0;
    if (go) lane_valid_o[bus] = 1'b1;
    if (go || drop) take_o[chosen] = 1'b1;
  end
  assign claim_o = go || drop;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      prefer_q      <= 1'b0;
      event_valid_q <= 1'b0;
      event_q       <= '0;
      started_q     <= '0;
    end else begin
      if (event_ready_i) event_valid_q <= 1'b0;
      if (go) begin
        prefer_q <= !bus;
        started_q[flow]  <= 1'b1;
        sequence_q[flow] <= sequence_number;
      end
      for (int unsigned b = 0; b < 2; b++) begin
        if (lane_gave_up_i[b]) sequence_q[lane_flow[b]] <= sequence_q[lane_flow[b]] - 16'd1;
      end
      if (drop) begin
        event_valid_q      <= 1'b1;
        event_q            <= '0;
        event_q.event_type <= EventTypeSent;
        event_q.status     <= well_formed_i[chosen] ? SendStatusUnreachable : SendStatusRefused;
        event_q.cookie     <= job_o.cookie;
        {event_q.header_1, event_q.header_0} <= job_o.header;
      end
    end
  end

  assign event_valid_o = event_valid_q;
  assign event_o       = event_q;
  assign idle_o        = (valid_i == '0) && !event_valid_q;

  logic same_flow;
  assign same_flow = (lane_destination_i[0] == lane_destination_i[1]) &&
                     (lane_class_i[0] == lane_class_i[1]);

  // Rules.
  `XYBUS_RULE(OneLaneAtATime, $onehot0(lane_valid_o))
  `XYBUS_RULE(LaneWasReady, (lane_valid_o & ~lane_ready_i) == '0)
  `XYBUS_RULE(ClaimNeedsRoom, !claim_o || room_i)
  `XYBUS_RULE(FlowIsNeverInBothLanes, (lane_active_i != 2'b11) || !same_flow)

endmodule
