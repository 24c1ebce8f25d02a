// Packet stream: gives the beats of a packet, one a cycle: header, window word, payload, CRC.
//
// The beat at hand is a register and stays until it is taken. The payload is read from node RAM
// while the packet goes out, never more than two lines ahead, and again for each attempt; a read
// packet's comes from its request. RAM is asked from the start on. At 64 bits a line lasts two
// cycles, so that both lanes together need every cycle of the read port, and a line may be used in
// the cycle in which it arrives. So that the lane with precedence leaves the other one every second
// cycle, it does not ask in two cycles in a row; the other one may.

`include "assertions.svh"

module packet_stream
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
  import crc32c_pkg::*;
#(
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth  = 32,
  /// The lane goes before the other one at the read port.
  parameter bit          Precedence = 1'b0
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// Begins a packet, with its header.
  input  logic                 start_i,
  input  packet_header_t       header_i,
  /// The packet, from the cycle after its start to its end.
  input  packet_kind_e         kind_i,
  input  logic [8:0]           length_i,
  input  line_address_t        address_i,
  input  window_word_t         window_i,
  input  read_request_t        request_i,
  /// The first beat waits for its grant; the others are being taken.
  input  logic                 asking_i,
  input  logic                 sending_i,
  input  logic                 grant_i,
  /// The payload will be there if the bus is granted from the next cycle on.
  output logic                 ready_o,
  /// The beat at hand, whether it is the last, and the second.
  output logic [DataWidth-1:0] data_o,
  output logic                 last_o,
  output logic                 second_o,
  /// Node RAM: the data comes in the cycle after the request was taken.
  output logic                 read_valid_o,
  output line_address_t        read_address_o,
  input  logic                 read_ready_i,
  input  line_t                read_data_i,
  /// The next edge changes something, grant or not.
  output logic                 busy_o
);

  localparam int unsigned HeaderBeats  = 64 / DataWidth;
  localparam int unsigned BeatBytes    = DataWidth / 8;
  localparam int unsigned BeatsPerLine = 128 / DataWidth;
  localparam int unsigned LineShift    = $clog2(BeatsPerLine);
  typedef logic [6:0] count_t;
  typedef logic [DataWidth-1:0] beat_t;

  beat_t       data_q;
  logic        last_q;
  count_t      beat_q;     // number of the beat at hand
  word_t       high_q;     // second word of the header
  word_t       crc_q;      // over the beats before it
  line_t       line_q [2]; // even and odd lines of the payload
  logic [4:0]  read_q;     // lines asked for
  logic        reading_q;  // one arrives in this cycle

  // ---- The next beat ------------------------------------------------------------------------

  count_t      front, beats, next, place;  // before the payload; of it; in all; in the payload
  logic        windowed, in_payload;
  logic [4:0]  lines, line_next;

  assign windowed   = kind_i != PacketKindMessage;
  assign front      = count_t'(HeaderBeats) + count_t'(windowed);
  assign beats      = count_t'((length_i + 9'(BeatBytes - 1)) >> $clog2(BeatBytes));
  assign next       = beat_q + count_t'(1);
  assign place      = next - front;
  assign in_payload = (next >= front) && (place < beats);
  assign lines      = (kind_i == PacketKindRead) ? 5'd0 : lines_of(length_i);
  assign line_next  = in_payload ? 5'(place >> LineShift) : 5'd0;

  // The bytes behind the end of the payload are sent as zeros, whatever lies in RAM.
  beat_t tail_mask;
  logic [$clog2(BeatBytes)-1:0] tail;
  assign tail      = length_i[$clog2(BeatBytes)-1:0];
  assign tail_mask = (tail == '0) ? '1 : ~({DataWidth{1'b1}} << {tail, 3'd0});

  line_t line;
  beat_t payload;
  always_comb begin
    line    = line_q[line_next[0]];
    payload = '0;
    if ((asking_i || sending_i) && in_payload) begin
      if (kind_i == PacketKindRead) line = line_t'(request_i);
      else if (reading_q && (read_q - 5'd1 == line_next)) line = read_data_i;
      payload = line[DataWidth*place[LineShift-1:0]+:DataWidth];
      if (place + count_t'(1) == beats) payload &= tail_mask;
    end
  end

  function automatic word_t crc_of(input word_t crc, input beat_t beat);
    crc_of = crc;
    for (int unsigned i = 0; i < DataWidth; i += 32) crc_of = crc32c_step(crc_of, beat[i+:32]);
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      data_q <= '0;
      last_q <= 1'b0;
      beat_q <= '0;
      crc_q  <= '0;
      high_q <= '0;
    end else if (start_i) begin
      data_q <= header_i[DataWidth-1:0];
      last_q <= 1'b0;
      beat_q <= '0;
      crc_q  <= Crc32cInitial;
      high_q <= header_i[63:32];
    end else if (sending_i || asking_i) begin
      if ((sending_i || grant_i) && !last_q) begin
        beat_q <= next;
        crc_q  <= crc_of(crc_q, data_q);
        last_q <= next == front + beats;
        if (in_payload) data_q <= payload;
        else if (next == front + beats) data_q <= beat_t'({crc_of(crc_q, data_q) ^ 32'hffff_ffff});
        else if (next == count_t'(HeaderBeats)) data_q <= beat_t'(window_i);
        else data_q <= beat_t'(high_q);
      end
    end
  end

  // ---- The payload ----------------------------------------------------------------------------

  logic may_read;
  assign may_read       = !Precedence || !reading_q;
  assign read_valid_o   = (asking_i || sending_i) && (read_q < lines) &&
                          (read_q - line_next < 5'd2) && may_read;
  assign read_address_o = address_i + line_address_t'(read_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i) begin
      read_q    <= '0;
      reading_q <= 1'b0;
    end else if (asking_i || sending_i) begin
      reading_q <= read_valid_o && read_ready_i;
      if (read_valid_o && read_ready_i) read_q <= read_q + 5'd1;
      if (reading_q) line_q[!read_q[0]] <= read_data_i;
    end
  end

  assign data_o   = data_q;
  assign last_o   = last_q;
  assign second_o = beat_q == count_t'(1);
  assign ready_o  = (DataWidth == 32) || (lines == '0) || (read_q != '0) || read_ready_i;
  assign busy_o   = start_i || sending_i || (asking_i && (read_valid_o || reading_q));

  // Rules.
  `XYBUS_RULE(PayloadIsThere, !((sending_i || (asking_i && grant_i)) && !last_q && in_payload &&
              (kind_i != PacketKindRead)) || (line_next < read_q))
  `XYBUS_RULE(PacketIsBounded, !sending_i || (32'(beat_q) < max_beats(DataWidth)))

endmodule
