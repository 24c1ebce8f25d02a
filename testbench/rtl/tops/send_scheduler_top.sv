// The send scheduler of a node among eight, for its bench. The arrays at the pins are packed, as
// rules that read unpacked ones there become code that does not compile in Verilator 5.006.

module send_scheduler_top
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [3:0]       valid_i,
  input  offer_t [3:0]     offer_i,
  input  logic [1:0]       refuse_i,
  output logic [3:0]       take_o,
  input  logic [1:0][15:0] suspect_i,
  input  logic [1:0][15:0] down_i,
  input  logic [1:0]       lane_ready_i,
  input  logic [1:0]       lane_active_i,
  input  logic [1:0][15:0] lane_held_i,
  input  logic [1:0]       lane_class_i,
  input  logic [1:0][15:0] lane_settled_i,
  input  logic [1:0][15:0] lane_number_i,
  input  logic [1:0]       parked_i,
  input  logic [1:0][15:0] parked_held_i,
  output logic [1:0]       lane_wanted_o,
  output logic [1:0]       lane_valid_o,
  output job_t             job_o,
  input  logic             room_i,
  output logic             claim_o,
  output logic             event_valid_o,
  output event_entry_t     event_o,
  input  logic             event_ready_i,
  output logic             fate_valid_o,
  output logic [3:0]       fate_status_o,
  output logic [1:0]       fate_origin_o,
  output logic             busy_o,
  output logic             idle_o
);

  offer_t      offer [4];
  nodes_t      suspect [2], down [2], held [2], settled [2], parked_held [2];
  logic [15:0] number [2];
  for (genvar i = 0; i < 4; i++) begin : gen_offer
    assign offer[i] = offer_i[i];
  end
  for (genvar b = 0; b < 2; b++) begin : gen_bus
    assign suspect[b] = suspect_i[b];
    assign down[b]    = down_i[b];
    assign held[b]    = lane_held_i[b];
    assign settled[b] = lane_settled_i[b];
    assign number[b]  = lane_number_i[b];
    assign parked_held[b] = parked_held_i[b];
  end

  /* verilator lint_off UNUSEDSIGNAL */  // its header is that of the event
  fate_t fate;
  /* verilator lint_on UNUSEDSIGNAL */
  assign fate_valid_o  = fate.valid;
  assign fate_status_o = fate.status;
  assign fate_origin_o = fate.origin;

  send_scheduler #(
    .NumNodes(8)
  ) u_scheduler (
    .clk_i,
    .rst_ni,
    .node_i        (4'd3),
    .epoch_i       (4'd9),
    .valid_i,
    .offer_i       (offer),
    .refuse_i,
    .take_o,
    .suspect_i     (suspect),
    .down_i        (down),
    .lane_ready_i,
    .lane_data_ready_i(lane_ready_i & ~parked_i),
    .lane_active_i,
    .lane_held_i   (held),
    .lane_class_i,
    .lane_settled_i(settled),
    .lane_number_i (number),
    .parked_i,
    .parked_held_i (parked_held),
    .lane_wanted_o,
    .lane_valid_o,
    .job_o,
    .room_i,
    .claim_o,
    .event_valid_o,
    .event_o,
    .event_ready_i,
    .fate_o        (fate),
    .busy_o,
    .idle_o
  );

endmodule
