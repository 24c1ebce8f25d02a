// The transmit lanes of a node among eight, with their path tables, for their bench: the lanes move
// packets to each other and share a read port, X first. The arrays at the pins are packed, as
// rules that read unpacked ones there become code that does not compile in Verilator 5.006.

module send_lanes
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned DataWidth = 32
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  limits_t                   limits_i,
  input  path_limits_reg_t          path_limits_i,
  input  logic [1:0][15:0]          restore_i,
  input  logic                      tick_i,
  input  logic [1:0]                job_valid_i,
  input  job_t                      job_i,
  input  pause_t                    job_pause_i,
  output logic [1:0]                job_ready_o,
  input  logic [1:0]                yield_i,
  output logic [1:0]                yields_o,
  output job_t                      yielded_o,  // of lane X, and what is left of its pause
  output pause_t                    yielded_pause_o,
  output logic [1:0]                active_o,
  output logic [1:0][15:0]          held_o,
  output logic [1:0]                class_o,
  output logic [1:0][15:0]          settled_o,
  output logic [1:0][15:0]          number_o,
  output logic [1:0]                move_valid_o,
  output logic [1:0][15:0]          suspect_o,
  output logic [1:0][15:0]          down_o,
  // The read port: it takes nothing while it is blocked.
  input  logic                      read_block_i,
  output logic                      read_take_o,
  output line_address_t             read_address_o,
  input  line_t                     read_data_i,
  output logic [1:0]                request_control_o,
  output logic [1:0]                request_data_o,
  output logic [1:0]                valid_o,
  output logic [1:0]                last_o,
  output logic [1:0][DataWidth-1:0] data_o,
  input  logic [1:0]                grant_i,
  input  logic [1:0][63:0]          answers_i,
  output logic [1:0]                event_valid_o,
  output logic [1:0][127:0]         event_o,
  input  logic                      event_ready_i,
  output logic [1:0]                fate_valid_o,
  output logic [1:0][3:0]           fate_status_o,
  output logic [1:0][1:0]           fate_origin_o,
  output logic [1:0][15:0]          counts_o,
  output logic [1:0]                busy_o,
  output logic [1:0]                idle_o
);

  logic [1:0]    move_ready, read_valid, read_ready;
  job_t          move_job     [2];
  nodes_t        suspect      [2], down [2], good [2], missing [2], corrupt [2];
  line_address_t read_address [2];

  assign read_ready     = read_block_i ? 2'b00 : {!read_valid[0], 1'b1};
  assign read_take_o    = (read_valid & read_ready) != '0;
  assign read_address_o = read_valid[0] ? read_address[0] : read_address[1];

  for (genvar b = 0; b < 2; b++) begin : gen_lane
    /* verilator lint_off UNUSEDSIGNAL */  // its header is looked at in the event
    logic busy, stream_busy, sending;
    fate_t  fate;
    job_t   yielded;
    pause_t yielded_pause;
    /* verilator lint_on UNUSEDSIGNAL */
    transmit_lane #(
      .NumNodes (8),
      .Bus      (bus_id_e'(b)),
      .DataWidth(DataWidth)
    ) u_lane (
      .clk_i,
      .clk_stream_i     (clk_i),
      .rst_ni,
      .node_i           (4'd3),
      .epoch_i          (4'd9),
      .limits_i,
      .tick_i,
      .job_valid_i      (job_valid_i[b]),
      .job_i,
      .job_pause_i,
      .job_ready_o      (job_ready_o[b]),
      .yield_i          (yield_i[b]),
      .yields_o         (yields_o[b]),
      .yielded_o        (yielded),
      .yielded_pause_o  (yielded_pause),
      .active_o         (active_o[b]),
      .held_o           (held_o[b]),
      .class_o          (class_o[b]),
      .settled_o        (settled_o[b]),
      .number_o         (number_o[b]),
      .move_valid_o     (move_valid_o[b]),
      .move_job_o       (move_job[b]),
      .move_ready_i     (move_ready[1-b]),
      .move_valid_i     (move_valid_o[1-b]),
      .move_job_i       (move_job[1-b]),
      .move_ready_o     (move_ready[b]),
      .here_suspect_i   (suspect[b]),
      .here_down_i      (down[b]),
      .there_suspect_i  (suspect[1-b]),
      .there_down_i     (down[1-b]),
      .good_o           (good[b]),
      .missing_o        (missing[b]),
      .corrupt_o        (corrupt[b]),
      .read_valid_o     (read_valid[b]),
      .read_address_o   (read_address[b]),
      .read_ready_i     (read_ready[b]),
      .read_data_i,
      .request_control_o(request_control_o[b]),
      .request_data_o   (request_data_o[b]),
      .valid_o          (valid_o[b]),
      .last_o           (last_o[b]),
      .data_o           (data_o[b]),
      .grant_i          (grant_i[b]),
      .answers_i        (answers_t'(answers_i[b])),
      .event_valid_o    (event_valid_o[b]),
      .event_o          (event_o[b]),
      .event_ready_i,
      .fate_o           (fate),
      .counts_o         (counts_o[b]),
      .sending_o        (sending),
      .busy_o           (busy),
      .stream_busy_o    (stream_busy),
      .idle_o           (idle_o[b])
    );
    assign busy_o[b] = busy || stream_busy || sending;
    if (b == 0) begin : gen_yielded
      assign yielded_o       = yielded;
      assign yielded_pause_o = yielded_pause;
    end
    assign fate_valid_o[b]  = fate.valid;
    assign fate_status_o[b] = fate.status;
    assign fate_origin_o[b] = fate.origin;
    assign suspect_o[b]     = suspect[b];
    assign down_o[b]        = down[b];

    /* verilator lint_off PINCONNECTEMPTY */  // its entries are the path table's own bench's
    path_table #(
      .NumNodes(8)
    ) u_path_table (
      .clk_i,
      .rst_ni,
      .limits_i (path_limits_i),
      .good_i   (good[b]),
      .missing_i(missing[b]),
      .corrupt_i(corrupt[b]),
      .restore_i(restore_i[b]),
      .suspect_o(suspect[b]),
      .down_o   (down[b]),
      .index_i  ('0),
      .entry_o  ()
    );
    /* verilator lint_on PINCONNECTEMPTY */
  end

endmodule
