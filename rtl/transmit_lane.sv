// Transmit lane: carries one packet at a time over one bus, to its end.
//
//   Idle ─► Request ─► Send ─► Wire ─► Answer ─► Idle                 accepted
//             ▲                          ├─────► Backoff ─► Request   busy
//             └──────────────────────────┤                            corrupt, no answer: again
//                                        └─────► Move ─► Idle         the path failed
//
// (Report is a stop on the way to Idle while the event of the packet before is still waiting.)
//
// The payload is read from node RAM while the packet goes out, never more than two lines ahead,
// and again for each attempt; the read port guarantees a line every four cycles. An attempt ends
// with the answer of the destination in its slot, two cycles after the last word was given.
//
// A path fails after so many missing (or corrupt) answers in a row, or when the bus does not grant
// in time. The packet then moves to the lane of the other bus, with its sequence number, or ends
// `unreachable` when that path is down too. Two lanes that both want to move swap.

`include "assertions.svh"

module transmit_lane
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
  import crc32c_pkg::*;
#(
  parameter int unsigned NumNodes = 4,
  /// The bus of this lane, for its events.
  parameter bus_id_e     Bus      = BusIdX
) (
  input  logic          clk_i,
  /// Low also while the engine is disabled.
  input  logic          rst_ni,
  input  limits_t       limits_i,
  /// A new packet from the scheduler.
  input  logic          job_valid_i,
  input  job_t          job_i,
  output logic          job_ready_o,
  /// The flow that this lane holds.
  output logic          active_o,
  output logic [3:0]    destination_o,
  output logic          class_o,
  /// A packet for the other lane, and one from it.
  output logic          move_valid_o,
  output job_t          move_job_o,
  input  logic          move_ready_i,
  input  logic          move_valid_i,
  input  job_t          move_job_i,
  output logic          move_ready_o,
  /// Paths of the other bus that are down; this lane's path has failed.
  input  logic [NumNodes-1:0] other_path_down_i,
  output logic [NumNodes-1:0] path_failed_o,
  /// Payload, from node RAM: the data comes in the cycle after the request was taken.
  output logic          read_valid_o,
  output line_address_t read_address_o,
  input  logic          read_ready_i,
  input  line_t         read_data_i,
  /// The bus.
  output logic          request_control_o,
  output logic          request_data_o,
  output packet_words_t words_o,
  output word_t         data_o,
  input  logic          grant_i,
  input  answers_t      answers_i,
  /// The fate of the packet.
  output logic          event_valid_o,
  output event_entry_t  event_o,
  input  logic          event_ready_i,
  /// The packet ended busy, so it was not delivered: the next one takes its sequence number.
  output logic          gave_up_o,
  /// One-cycle counter pulses.
  output counts_t       counts_o,
  output logic          idle_o
);

  typedef enum logic [2:0] {
    Idle,
    Request,
    Send,
    Wire,
    Answer,
    Backoff,
    Move,
    Report
  } state_e;

  state_e      state_q;
  job_t        job_q;
  logic [15:0] wait_q;                          // cycles left of a grant timeout or a back-off
  logic [15:0] busy_q;                          // busy answers in a row
  logic [7:0]  none_q, corrupt_q;               // missing and corrupt answers in a row
  logic        gave_up_q;                       // how the packet in Report ended
  logic        event_valid_q;
  event_entry_t event_q;

  // ---- Words --------------------------------------------------------------------------------

  packet_words_t word_q;         // number of the word on data_o
  packet_words_t words, payload; // words of the packet, of its payload
  logic [31:0]   crc_q;
  line_t         line_q [2];     // even and odd lines of the payload
  logic [4:0]    read_q;         // lines asked for
  logic          reading_q;      // a line arrives in this cycle
  packet_words_t payload_word;   // number of the payload word on data_o
  logic          payload_now;
  logic          last_word;
  word_t         data;

  assign payload      = packet_words_t'(payload_words(job_q.header.length[8:0]));
  assign words        = payload + packet_words_t'(HeaderWords + CrcWords);
  assign payload_word = word_q - packet_words_t'(HeaderWords);
  assign payload_now  = (word_q >= packet_words_t'(HeaderWords)) && (payload_word < payload);
  assign last_word    = word_q == words - packet_words_t'(1);

  // The bytes behind the end of the payload are sent as zeros, whatever lies in RAM.
  logic [31:0] tail_mask;
  always_comb begin
    unique case (job_q.header.length[1:0])
      2'd1:    tail_mask = 32'h0000_00ff;
      2'd2:    tail_mask = 32'h0000_ffff;
      2'd3:    tail_mask = 32'h00ff_ffff;
      default: tail_mask = 32'hffff_ffff;
    endcase
  end

  always_comb begin
    data = '0;
    if (state_q == Request || state_q == Send) begin
      if (word_q == '0)                      data = job_q.header[31:0];
      else if (word_q == packet_words_t'(1)) data = job_q.header[63:32];
      else if (!payload_now)                 data = ~crc_q;
      else begin
        data = line_q[payload_word[2]][32*payload_word[1:0]+:32];
        if (payload_word + packet_words_t'(1) == payload) data &= tail_mask;
      end
    end
  end

  // Lines are read at most two ahead of the word that goes out.
  logic [4:0] lines, line_now;
  assign lines          = 5'((payload + packet_words_t'(3)) >> 2);
  assign line_now       = payload_now ? 5'(payload_word >> 2) : 5'd0;
  assign read_valid_o   = ((state_q == Request) || (state_q == Send)) && (read_q < lines) &&
                          (read_q - line_now < 5'd2) && !reading_q;
  assign read_address_o = job_q.address + line_address_t'(read_q);

  // ---- Fate ---------------------------------------------------------------------------------

  answer_e answer;
  assign answer = answer_e'(2'(answers_i >> {job_q.destination, 1'b0}));

  logic accepted, busy, gave_up, again, failed;
  always_comb begin
    accepted = 1'b0;  // done
    busy     = 1'b0;  // again, after a pause
    gave_up  = 1'b0;  // done, with status busy
    again    = 1'b0;  // again, at once
    failed   = 1'b0;  // the path failed
    if (state_q == Answer) begin
      unique case (answer)
        AnswerAccepted: accepted = 1'b1;
        AnswerBusy: begin
          gave_up = (limits_i.busy != '0) && (busy_q + 16'd1 == limits_i.busy);
          busy    = !gave_up;
        end
        AnswerCorrupt: begin
          failed = (limits_i.corrupt != '0) && (corrupt_q + 8'd1 == limits_i.corrupt);
          again  = !failed;
        end
        default: begin
          failed = (limits_i.no_answer != '0) && (none_q + 8'd1 == limits_i.no_answer);
          again  = !failed;
        end
      endcase
    end else if (state_q == Request) begin
      failed = !grant_i && (wait_q == '0);
    end
  end

  logic other_down, finished, unreachable, slot_free, report, start;
  assign other_down  = other_path_down_i[job_q.destination[$clog2(NumNodes)-1:0]];
  assign finished    = accepted || gave_up;
  assign unreachable = (state_q == Move) && other_down;
  assign slot_free   = !event_valid_q || event_ready_i;
  assign report      = slot_free && (finished || unreachable || (state_q == Report));

  // A moved packet goes before a new one. A lane takes it when idle, or in exchange for its own.
  // When the engine was disabled in the middle of a packet, the bus still grants the rest of it.
  logic ready;
  assign ready        = (state_q == Idle) && !grant_i;
  assign move_valid_o = (state_q == Move) && !other_down;
  assign move_job_o   = job_q;
  assign move_ready_o = ready || move_valid_o;
  assign job_ready_o  = (ready || (accepted && slot_free)) && !move_valid_i;
  assign start        = job_valid_i || (move_valid_i && move_ready_o);

  // 16 cycles after the first busy answer, doubled for each further one, to 1024.
  logic [15:0] pause;
  assign pause = (busy_q < 16'd6) ? (16'd16 << busy_q[2:0]) : 16'd1024;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (start) begin
      state_q <= Request;
    end else begin
      unique case (state_q)
        Idle: ;
        Request: begin
          if (grant_i) state_q <= Send;
          else if (failed) state_q <= Move;
        end
        Send: if (last_word) state_q <= Wire;
        Wire: state_q <= Answer;
        Answer: begin
          if (finished) state_q <= slot_free ? Idle : Report;
          else if (busy) state_q <= Backoff;
          else if (again) state_q <= Request;
          else state_q <= Move;
        end
        Backoff: if (wait_q == '0) state_q <= Request;
        Move:    if (report || (move_valid_o && move_ready_i)) state_q <= Idle;
        default: if (report) state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      job_q     <= '0;
      wait_q    <= '0;
      busy_q    <= '0;
      none_q    <= '0;
      corrupt_q <= '0;
    end else if (start) begin
      job_q     <= job_valid_i ? job_i : move_job_i;
      wait_q    <= limits_i.grant;
      busy_q    <= '0;
      none_q    <= '0;
      corrupt_q <= '0;
    end else if (busy || again) begin
      wait_q    <= busy ? pause : limits_i.grant;
      busy_q    <= busy ? busy_q + 16'd1 : '0;
      none_q    <= (again && answer == AnswerNone) ? none_q + 8'd1 : '0;
      corrupt_q <= (again && answer == AnswerCorrupt) ? corrupt_q + 8'd1 : '0;
    end else if (state_q == Request || state_q == Backoff) begin
      wait_q <= (wait_q != '0) ? wait_q - 16'd1 : limits_i.grant;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q    <= '0;
      crc_q     <= Crc32cInitial;
      read_q    <= '0;
      reading_q <= 1'b0;
    end else if (start || busy || again) begin
      word_q    <= '0;
      crc_q     <= Crc32cInitial;
      read_q    <= '0;
      reading_q <= 1'b0;
    end else if (state_q == Request || state_q == Send) begin
      if (grant_i) begin
        word_q <= word_q + packet_words_t'(1);
        crc_q  <= crc32c_step(crc_q, data);
      end
      reading_q <= read_valid_o && read_ready_i;
      if (read_valid_o && read_ready_i) read_q <= read_q + 5'd1;
      if (reading_q) line_q[!read_q[0]] <= read_data_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      event_valid_q <= 1'b0;
      event_q       <= '0;
      gave_up_q     <= 1'b0;
    end else begin
      if (event_ready_i) event_valid_q <= 1'b0;
      if (finished) gave_up_q <= gave_up;
      if (report) begin
        event_valid_q      <= 1'b1;
        event_q            <= '0;
        event_q.event_type <= EventTypeSent;
        event_q.bus        <= Bus;
        event_q.status     <= unreachable ? SendStatusUnreachable :
                              (gave_up || ((state_q == Report) && gave_up_q)) ? SendStatusBusy :
                                                                                SendStatusOk;
        event_q.cookie     <= job_q.cookie;
        {event_q.header_1, event_q.header_0} <= job_q.header;
      end
    end
  end

  always_comb begin
    counts_o           = '0;
    counts_o.sent      = grant_i && (word_q == '0);
    counts_o.accepted  = accepted;
    counts_o.busy      = busy || gave_up;
    counts_o.corrupt   = (state_q == Answer) && (again || failed) && (answer == AnswerCorrupt);
    counts_o.no_answer = (again || failed) && ((state_q == Request) || (answer == AnswerNone));
  end

  assign path_failed_o     = failed ? NumNodes'(1) << job_q.destination : '0;
  assign gave_up_o         = gave_up;
  assign active_o          = (state_q != Idle) && !accepted;
  assign destination_o     = job_q.destination;
  assign class_o           = job_q.header.traffic_class;
  // A lane that is about to give up no longer asks, so that no grant comes after it has.
  assign request_control_o = (state_q == Request) && (wait_q != '0) && job_q.header.traffic_class;
  assign request_data_o    = (state_q == Request) && (wait_q != '0) && !job_q.header.traffic_class;
  assign words_o           = words;
  assign data_o            = data;
  assign event_valid_o     = event_valid_q;
  assign event_o           = event_q;
  assign idle_o            = (state_q == Idle) && !event_valid_q;

  // Rules.
  `XYBUS_RULE(StartOnlyWhenReady, !start || (state_q == Idle) || (accepted && slot_free) ||
              (move_valid_o && move_ready_i))
  `XYBUS_RULE(GrantOnlyWhenAsked, !grant_i || (state_q == Request) || (state_q == Send) ||
              (state_q == Idle))
  `XYBUS_RULE(SendIsGranted, (state_q != Send) || grant_i)
  `XYBUS_RULE(PayloadIsThere, !(grant_i && payload_now) ||
              (5'(payload_word >> 2) < read_q - 5'(reading_q)))
  `XYBUS_RULE(OnlyOneSource, !(job_valid_i && move_valid_i && move_ready_o))

endmodule
